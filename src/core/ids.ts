/** @file Ids name their kind, at run time (`run:…`) and in the type. */

export type Id<Kind extends string> = `${Kind}:${string}`;
export type RunId = Id<"run">;
export type DatasetId = Id<"dataset">;
export type ModelId = Id<"model">;
export type AdapterId = Id<"adapter">;

/** The base and the data that ship with the studio. */
export const embeddedModel: ModelId = "model:embedded";
export const embeddedDataset: DatasetId = "dataset:embedded";

export function newId<Kind extends string>(kind: Kind): Id<Kind> {
  return `${kind}:${crypto.randomUUID()}`;
}
