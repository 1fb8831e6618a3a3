/** @file Stored records of any age, read one by one: one that cannot be read keeps no other from view. */

export type Records<T> = { readable: T[]; unreadable: number };

/** @param parse throws where a record is of a form that it does not know */
export function readEach<T>(records: readonly unknown[], parse: (record: unknown) => T): Records<T> {
  const readable: T[] = [];
  for (const record of records) {
    try {
      readable.push(parse(record));
    } catch (error) {
      console.warn("A stored record cannot be read", error, record);
    }
  }
  return { readable, unreadable: records.length - readable.length };
}
