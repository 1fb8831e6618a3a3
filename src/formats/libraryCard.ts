/** @file The README.md of an adapter of the library: what it is and where it came from. How it was trained is not known. */

import type { AdapterRecord } from "../core/adapterRecord";
import { methodTitles } from "./modelCard";

const oneLine = (text: string) => text.replaceAll(/[`\s]+/g, " ").trim();

/** Hugging Face's card with its YAML front matter. */
export function newLibraryCard({ name, adaptation, origin, template }: AdapterRecord, baseName: string): string {
  const quoted = (text: string) => JSON.stringify(text); // JSON strings are YAML strings
  const from =
    origin.kind === "files"
      ? `It was brought in from files (${origin.names.slice(0, 5).map(oneLine).join(", ")}); how it was trained is not recorded here.`
      : `It is a sum of adapters, each times its weight: ${origin.parts.map((part) => `${part.weight} × ${oneLine(part.name)}`).join(" + ")}.`;
  const longest = Math.max(2, ...[...template.prompt.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return `${[
    "---",
    `base_model: ${quoted(baseName)}`,
    "pipeline_tag: text-generation",
    "tags:",
    ...["anneal", `base_model:adapter:${baseName}`].map((tag) => `- ${quoted(tag)}`),
    "---",
    "",
    `# ${oneLine(name)}`,
    "",
    `${adaptation.map(({ kind }) => methodTitles[kind]).join(" and ")} for \`${oneLine(baseName)}\`. ${from}`,
    "",
    "The prompt is written as",
    "",
    fence,
    template.prompt,
    fence,
  ].join("\n")}\n`;
}
