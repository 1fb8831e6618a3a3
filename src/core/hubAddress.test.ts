/** @file Names of repositories and hosts as people write them. */

import { expect, test } from "vitest";
import { parseHost, parseRepository } from "./hubAddress";

test("a repository by its name, its address, or one file of it", () => {
  const plain = { repository: "HuggingFaceTB/SmolLM2-135M", file: null };
  expect(parseRepository(" HuggingFaceTB/SmolLM2-135M ")).toEqual(plain);
  expect(parseRepository("https://huggingface.co/HuggingFaceTB/SmolLM2-135M/tree/main")).toEqual(plain);
  expect(parseRepository("Qwen/Qwen2.5-GGUF/blob/main/q4_0.gguf")).toEqual({
    repository: "Qwen/Qwen2.5-GGUF",
    file: "q4_0.gguf",
  });
  for (const wrong of ["", "gpt2", "a b/c", "../../etc/passwd", "a/..", "x/y?z"]) {
    expect(() => parseRepository(wrong), wrong).toThrow(expect.objectContaining({ code: "model.download" }) as Error);
  }
});

test("a host by its name or address, safe or on this machine", () => {
  expect(parseHost("hf-mirror.com")).toBe("https://hf-mirror.com");
  expect(parseHost("https://huggingface.co/models")).toBe("https://huggingface.co");
  expect(parseHost("http://localhost:8080")).toBe("http://localhost:8080");
  for (const wrong of ["http://huggingface.co", "ftp://x.org", "https://", "not a host"]) {
    expect(() => parseHost(wrong), wrong).toThrow(expect.objectContaining({ code: "model.download" }) as Error);
  }
});
