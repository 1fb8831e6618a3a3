/** @file An ablation's folder: ablation.json, results.{json,md,csv}, and a folder a run under runs/. */

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Ablation, type Cell, parseAblation, recipeOfCell } from "../core/ablation";
import { StudioError } from "../core/errors";
import type { RunId } from "../core/ids";
import type { Run } from "../core/run";
import { say } from "../core/say";
import { newAblationTable } from "../scoring/ablationTable";
import { newAblationCsv, newAblationMarkdown } from "../scoring/ablationText";
import { replaceFile } from "../storage/node/nodeFiles";
import { readRunFolder } from "../storage/node/nodeRunStore";
import { readFileOrNull } from "./host";

export type AblationFolder = {
  /** Null where the folder holds none. Throws `storage.failed`. */
  read: () => Promise<Ablation | null>;
  /** Throws `storage.failed` or `storage.full`; then the old record stands. */
  write: (ablation: Ablation) => Promise<void>;
  runFolder: (cell: Pick<Cell, "variant" | "seed">) => string;
  /** A cell's run, where its folder holds one of the cell's recipe. */
  readRun: (ablation: Ablation, cell: Cell) => Promise<Run | null>;
  /** Writes the table as it stands, and answers it. */
  writeResults: (ablation: Ablation) => Promise<ReturnType<typeof newAblationTable>>;
  release: () => Promise<void>;
};

/** A name as folders can have it. */
const slug = (name: string) =>
  name.replaceAll(/[^\p{L}\p{N}._+@-]+/gu, "-").replaceAll(/^[.-]+|[.-]+$/g, "") || "variant";

const isMissing = (error: unknown) => (error as { code?: unknown }).code === "ENOENT";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}

/** One process works in a folder. What a killed one left is taken over. */
async function takeLock(file: string): Promise<void> {
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: "wx" });
      return;
    } catch (cause) {
      if ((cause as { code?: unknown }).code !== "EEXIST") {
        throw new StudioError("storage.failed", say`${file} cannot be written`, { cause });
      }
    }
    const owner = Number(await readFile(file, "utf8").catch((error: unknown) => (isMissing(error) ? "0" : "NaN")));
    if (owner > 0 && owner !== process.pid && isAlive(owner)) {
      throw new StudioError(
        "run.active",
        say`Process ${owner} works in ${path.dirname(file)}; if it does not, delete ${file}`,
      );
    }
    await rm(file, { force: true });
  }
}

/** Throws `run.active` where another process works there. */
export async function openAblationFolder(folder: string): Promise<AblationFolder> {
  const at = (name: string) => path.join(folder, name);
  try {
    await mkdir(at("runs"), { recursive: true });
  } catch (cause) {
    throw new StudioError("storage.failed", say`${folder} cannot be written`, { cause });
  }
  await takeLock(at("lock"));

  const runFolder = ({ variant, seed }: Pick<Cell, "variant" | "seed">) => at(`runs/${slug(variant)}-${seed}`);
  const readRun = async (ablation: Ablation, cell: Cell) => {
    const run = await readRunFolder(runFolder(cell));
    return run && JSON.stringify(run.recipe) === JSON.stringify(recipeOfCell(ablation, cell)) ? run : null;
  };
  return {
    read: async () => {
      const bytes = await readFileOrNull(at("ablation.json"));
      if (!bytes) return null;
      try {
        return parseAblation(JSON.parse(new TextDecoder().decode(bytes)));
      } catch (cause) {
        if (cause instanceof StudioError) throw cause;
        throw new StudioError("storage.failed", say`${at("ablation.json")} is not JSON`, { cause });
      }
    },
    write: async (ablation) => {
      checkNames(ablation);
      await replaceFile(at("ablation.json"), `${JSON.stringify(ablation, null, 2)}\n`);
    },
    runFolder,
    readRun,
    writeResults: async (ablation) => {
      const runs = new Map<RunId, Run>();
      const cells = [];
      for (const cell of ablation.cells) {
        const run = await readRun(ablation, cell);
        if (run) runs.set(run.id, run);
        const {
          status = "draft",
          step = 0,
          seconds = 0,
          peakBytes = null,
          before = null,
          after = null,
          error = null,
        } = run ?? {};
        cells.push({
          ...cell,
          folder: path.relative(folder, runFolder(cell)),
          status,
          step,
          seconds,
          peakBytes,
          before,
          after,
          error,
        });
      }
      const table = newAblationTable(ablation, runs);
      const { name, recipe, variants, seeds } = ablation;
      const results = { version: 1, name, recipe, variants, seeds, accuracy: table.accuracy, rows: table.rows, cells };
      await replaceFile(at("results.json"), `${JSON.stringify(results, null, 2)}\n`);
      await replaceFile(at("results.md"), newAblationMarkdown(ablation, table));
      await replaceFile(at("results.csv"), newAblationCsv(table));
      return table;
    },
    release: () => rm(at("lock"), { force: true }),
  };
}

/** Throws `ablation.invalid` where two variants would have one folder. */
function checkNames({ variants }: Ablation): void {
  const seen = new Map<string, string>();
  for (const { name } of variants) {
    const folder = slug(name).toLowerCase();
    const other = seen.get(folder);
    if (other !== undefined) {
      throw new StudioError(
        "ablation.invalid",
        say`${name} and ${other} would have one folder: name one of them otherwise`,
      );
    }
    seen.set(folder, name);
  }
}
