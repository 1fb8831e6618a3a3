/** @file The layer rules fail the lint: each forbidden import is reported, each allowed one is not. */
import { ESLint } from "eslint";
import tseslint from "typescript-eslint";
import { describe, expect, test } from "vitest";

const eslint = new ESLint({
  // The files named below do not exist, so the rules that need types sit this out.
  overrideConfig: [tseslint.configs.disableTypeChecked],
});

async function listMessages(filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(`/** @file A snippet. */\n${code}\n`, { filePath });
  return (result?.messages ?? []).map(({ ruleId, message }) => `${ruleId ?? "parser"}: ${message}`);
}

const forbidden = [
  ["src/core/recipe2.ts", 'import "../kernels/linear";', "anneal/layers"],
  ["src/kernels/new.ts", 'import { a } from "../model/llama";\nexport const b = a;', "anneal/layers"],
  ["src/kernels/deep/new.ts", 'export * from "../../model/llama";', "anneal/layers"],
  ["src/features/train/New.tsx", 'export const page = () => import("../../jobs/sft");', "anneal/layers"],
  ["src/features/train/New.tsx", 'export type A = import("../../kernels/kernel").Kernel;', "anneal/layers"],
  ["src/features/train/New.tsx", 'import { a } from "../runs/RunTable";\nexport const b = a;', "anneal/layers"],
  ["src/ui/New.tsx", 'import { a } from "../state/runs";\nexport const b = a;', "anneal/layers"],
  ["src/state/new.ts", 'import { a } from "../engine.worker";\nexport const b = a;', "anneal/layers"],
  ["src/ui/new.ts", 'export const w = new URL("../engine.worker.ts", import.meta.url);', "anneal/layers"],
  ["src/main.tsx", 'import { a } from "./jobs/sft";\nexport const b = a;', "anneal/layers"],
  ["src/model/new.ts", 'import { a } from "@tensorflow/tfjs-core";\nexport const b = a;', "anneal/owners"],
  ["src/kernels/new.ts", 'import { a } from "@tensorflow/tfjs-core";\nexport const b = a;', "anneal/owners"],
  ["src/state/new.ts", 'import { openDB } from "idb";\nexport const b = openDB;', "anneal/owners"],
  ["src/ui/new.ts", 'import { create } from "zustand/vanilla";\nexport const b = create;', "anneal/owners"],
  ["src/features/runs/New.tsx", 'import { Line } from "recharts";\nexport const b = Line;', "anneal/owners"],
  ["src/core/utils.ts", "export const a = 1;", "anneal/file-head"],
  ["src/core/new.ts", "const a = 1;\nexport default a;", "no-restricted-syntax"],
  ["src/model/new.ts", "export const a = (t: { dataSync(): number[] }) => t.dataSync();", "no-restricted-syntax"],
  ["src/core/new.ts", "// eslint-disable-next-line prefer-const\nexport let a = 1;", "anneal/suppression-reason"],
] as const;

const allowed = [
  ["src/jobs/new.ts", 'import { a } from "../model/llama";\nexport const b = a;'],
  ["src/features/train/New.tsx", 'import { a } from "../../state/runs";\nexport const b = a;'],
  ["src/features/train/New.tsx", 'import { a } from "./Other";\nexport const b = a;'],
  ["src/kernels/tf.ts", 'export * from "@tensorflow/tfjs-core";'],
  ["src/storage/new.ts", 'import { openDB } from "idb";\nexport const b = openDB;'],
  ["src/features/train/NewPage.tsx", "export default function NewPage() {\n  return null;\n}"],
  ["src/main.tsx", 'import { App } from "./App";\nexport const b = App;'],
] as const;

describe("the lint", { timeout: 60_000 }, () => {
  test.each(forbidden)("refuses in %s: %s", async (file, code, rule) => {
    expect((await listMessages(file, code)).map((message) => message.split(":")[0])).toContain(rule);
  });

  test.each(allowed)("accepts in %s: %s", async (file, code) => {
    expect(await listMessages(file, code)).toEqual([]);
  });
});
