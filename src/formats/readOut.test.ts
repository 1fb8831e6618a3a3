/** @file A reward model's folder as PEFT has it: the read-out as a saved module, its numbers named; what does not fit is named. */

import { expect, test } from "vitest";
import { adaptationTensors, type MethodOf, newMethod } from "../core/adaptation";
import { newNativeAdapterFiles, parseNativeAdapter } from "./nativeAdapter";
import { parsePeft, peftFormOf } from "./peft";
import { config, expectInvalid, lora, newTensors, written } from "./peftCase.fixture";
import { parseSafetensors, writeSafetensors } from "./safetensors";

const head: MethodOf<"head"> = newMethod("head", { outputs: 2 });
const dimensions = [
  { name: "helpful", weight: 1 },
  { name: "brief", weight: -0.5 },
];
const tensors = newTensors(adaptationTensors(config, [lora, head]));
const files = () => written({ head, tensors, dimensions });
const score = "base_model.model.score.weight";

/** The same file of tensors, changed. */
function changed(
  edit: (tensors: Map<string, { shape: number[]; values: Float32Array }>) => void,
  metadata: Record<string, string> = { format: "pt" },
) {
  const map = new Map(
    parseSafetensors(files().safetensors).tensors as Map<string, { shape: number[]; values: Float32Array }>,
  );
  edit(map);
  return writeSafetensors(map, metadata);
}

test("what is written is read again, with its names", () => {
  const { adapter_config, safetensors } = files();
  expect(adapter_config).toMatchObject({ task_type: "SEQ_CLS", modules_to_save: ["score"], peft_type: "LORA" });
  expect(parseSafetensors(safetensors).tensors.get(score)?.shape).toEqual([2, 8]);
  expect(parsePeft(files(), config)).toEqual({ method: lora, head, tensors, dimensions });
  // As PEFT lists its usual names, and without names of ours.
  const theirs = { ...adapter_config, modules_to_save: ["classifier", "score"] };
  const plain = changed(() => undefined);
  expect(parsePeft({ adapter_config: theirs, safetensors: plain }, config)).toEqual({ method: lora, head, tensors });
});

test("one method with a read-out has a form, several or a prompt's have none", () => {
  expect(peftFormOf([lora, head])).toEqual({ method: lora, head });
  expect(peftFormOf([newMethod("ia3"), head])).toEqual({ method: newMethod("ia3"), head });
  expect(peftFormOf([lora])).toEqual({ method: lora, head: null });
  for (const adaptation of [
    [head],
    [newMethod("prefix"), head],
    [newMethod("prompt"), head],
    [newMethod("full"), head],
    [lora, newMethod("loar"), head],
  ])
    expect(peftFormOf(adaptation)).toBeNull();
});

test.each<[string, unknown, RegExp]>([
  ["modules_to_save", null, /modules_to_save is null; of a reward model it is \["score"\]/],
  ["modules_to_save", ["classifier"], /modules_to_save is \["classifier"\]; of a reward model/],
  ["modules_to_save", ["score", "lm_head"], /modules_to_save is \["score","lm_head"\]; of a reward model/],
  ["modules_to_save", "score", /modules_to_save is "score"/],
  ["task_type", "CAUSAL_LM", /modules_to_save is \["score"\], which is not supported/],
])("%s = %j is refused", (key, value, detail) => {
  const { adapter_config, safetensors } = files();
  expectInvalid(() => parsePeft({ adapter_config: { ...adapter_config, [key]: value }, safetensors }, config), detail);
});

test.each<[string, Parameters<typeof changed>[0], RegExp]>([
  ["no read-out", (map) => map.delete(score), /score.weight is missing/],
  ["one of no rows", (map) => map.set(score, { shape: [0, 8], values: new Float32Array(0) }), /reads out 0 numbers/],
  ["one of 17", (map) => map.set(score, { shape: [17, 8], values: new Float32Array(136) }), /reads out 17 numbers/],
  [
    "one of another width",
    (map) => map.set(score, { shape: [2, 9], values: new Float32Array(18) }),
    /score.weight is \[2, 9\], the base/,
  ],
  [
    "one beside it",
    (map) => map.set("base_model.model.score.bias", { shape: [2], values: new Float32Array(2) }),
    /score.bias belongs/,
  ],
])("%s is named", (_, edit, detail) => {
  expectInvalid(
    () => parsePeft({ adapter_config: files().adapter_config, safetensors: changed(edit) }, config),
    detail,
  );
});

test.each<[string, RegExp]>([
  ["{", /anneal_dimensions is not JSON/],
  ["{}", /not a list of names and weights/],
  ['[{"name":"","weight":1},{"name":"b","weight":1}]', /not a list of names and weights/],
  ['[{"name":"a","weight":"1"},{"name":"b","weight":1}]', /not a list of names and weights/],
  ['[{"name":"a","weight":1},{"name":"a","weight":1}]', /has a name twice/],
  ['[{"name":"a","weight":1}]', /names 1 numbers, and 2 are read out/],
])("names like %s are refused, in both layouts", (anneal_dimensions, detail) => {
  const safetensors = changed(() => undefined, { format: "pt", anneal_dimensions });
  expectInvalid(() => parsePeft({ adapter_config: files().adapter_config, safetensors }, config), detail);
  const own = { version: 1, base: "tiny", adaptation: [lora, head] };
  const bytes = writeSafetensors(tensors, { format: "pt", anneal_dimensions });
  expectInvalid(() => parseNativeAdapter({ anneal_adapter: own, safetensors: bytes }, config), detail);
});

test("the studio's own layout keeps the names too", () => {
  const adaptation = [newMethod("lora", { rank: 3 }), newMethod("ia3"), head];
  const all = newTensors(adaptationTensors(config, adaptation));
  const folder = newNativeAdapterFiles({ config, adaptation, tensors: all, dimensions, baseName: "tiny", card: "" });
  const bytesOf = (name: string) => folder.find((file) => file.path === name)?.bytes ?? new Uint8Array();
  const anneal_adapter = JSON.parse(new TextDecoder().decode(bytesOf("anneal_adapter.json"))) as unknown;
  const read = parseNativeAdapter({ anneal_adapter, safetensors: bytesOf("adapter_model.safetensors") }, config);
  expect(read).toEqual({ adaptation, tensors: all, dimensions });
});
