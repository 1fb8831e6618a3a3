/** @file Exact match for short answers without numbers to extract. */

/** Equal after trimming, with runs of white space as one space and Unicode composed (NFC). */
export function exactMatch(completion: string, reference: string): boolean {
  const plain = (text: string) => text.normalize("NFC").trim().replaceAll(/\s+/g, " ");
  return plain(completion) === plain(reference);
}
