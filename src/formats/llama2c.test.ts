/** @file llama2.c files: layout, rows put in Hugging Face's order, and what is refused. */

import { describe, expect, it } from "vitest";
import { parseLlama2c, parseLlama2cTokens } from "./llama2c";

/** A checkpoint of 1 layer whose numbers count up, so that places can be told. */
function checkpoint(vocab: number): Uint8Array {
  const [C, F, L, H, K, P] = [8, 12, 1, 2, 1, 4];
  const V = Math.abs(vocab);
  const D = C / H;
  const numbers = V * C + C + C * C + 2 * K * D * C + C * C + C + 3 * F * C + C + P * D + (vocab < 0 ? V * C : 0);
  const bytes = new Uint8Array(28 + 4 * numbers);
  const view = new DataView(bytes.buffer);
  [C, F, L, H, K, vocab, P].forEach((value, i) => view.setInt32(4 * i, value, true));
  for (let i = 0; i < numbers; i++) view.setFloat32(28 + 4 * i, i, true);
  return bytes;
}

describe("checkpoint", () => {
  it("names tensors as Hugging Face does and reorders rotated rows", () => {
    const { config, tensors } = parseLlama2c(checkpoint(5));
    expect(config).toMatchObject({ heads: 2, keyValueHeads: 1, headDim: 4, tieWordEmbeddings: true, vocabSize: 5 });
    const q = tensors.get("model.layers.0.self_attn.q_proj.weight")!;
    const start = 5 * 8 + 8;
    const rows = Array.from({ length: 8 }, (_, row) => (q.values[row * 8]! - start) / 8);
    expect(rows).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    const v = tensors.get("model.layers.0.self_attn.v_proj.weight")!;
    expect(v.shape).toEqual([4, 8]);
    expect(v.values[8]! - v.values[0]!).toBe(8);
    expect(tensors.has("lm_head.weight")).toBe(false);
  });

  it("reads a head of its own after the rotation's table", () => {
    const { config, tensors } = parseLlama2c(checkpoint(-5));
    const norm = tensors.get("model.norm.weight")!.values;
    expect(config.tieWordEmbeddings).toBe(false);
    expect(tensors.get("lm_head.weight")!.values[0]).toBe(norm.at(-1) + 4 * 4 + 1);
  });

  it("refuses a short file and sizes that do not fit, naming them", () => {
    expect(() => parseLlama2c(checkpoint(5).subarray(0, 20))).toThrow("header");
    expect(() => parseLlama2c(checkpoint(5).subarray(0, 500))).toThrow(/ends within model\.layers\.0/);
    const odd = checkpoint(5);
    new DataView(odd.buffer).setInt32(12, 3, true);
    expect(() => parseLlama2c(odd)).toThrow("n_heads 3");
    expect(() => parseLlama2c(new Uint8Array(28))).toThrow("dim is 0");
  });
});

it("reads tokens, and refuses a file that ends early", () => {
  const bytes = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 104, 105, 0, 0, 0, 0, 1, 0, 0, 0, 33]);
  expect(parseLlama2cTokens(bytes, 2).map((token) => new TextDecoder().decode(token))).toEqual(["hi", "!"]);
  expect(() => parseLlama2cTokens(bytes, 3)).toThrow("token 2");
});
