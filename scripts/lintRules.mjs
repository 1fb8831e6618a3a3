/** @file The lint rules that are the house's own: layers, package owners, file names, reasons for suppressions. */
import path from "node:path";
import { fileURLToPath } from "node:url";

const source = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "src");

/** "kernels/tf.ts" → "kernels"; "main.tsx" → "main.tsx"; outside src → undefined. */
function placeOf(file) {
  const relative = path.relative(source, file);
  if (relative.startsWith("..") || path.isAbsolute(relative)) return undefined;
  return relative.split(path.sep)[0];
}

/** Calls `check(node, specifier)` for every form of import. */
function onImport(check) {
  const fromDeclaration = (node) => node.source && check(node.source, node.source.value);
  return {
    ImportDeclaration: fromDeclaration,
    ExportNamedDeclaration: fromDeclaration,
    ExportAllDeclaration: fromDeclaration,
    ImportExpression: (node) => node.source.type === "Literal" && check(node.source, String(node.source.value)),
    TSImportType: (node) => check(node.source, String(node.source.value)),
    "NewExpression[callee.name='URL'][arguments.1.type='MemberExpression']": (node) => {
      const [first] = node.arguments;
      if (first.type === "Literal" && /^\.\.?\//.test(first.value)) check(first, first.value);
    },
  };
}

/** Options: [the `mayImport` table, the folders whose subfolders may not import each other]. */
const layers = {
  meta: { type: "problem", schema: [{ type: "object" }, { type: "array" }] },
  create(context) {
    const [mayImport, isolated] = context.options;
    const file = context.filename;
    const from = placeOf(file);
    const allowed = from && mayImport[from];
    if (!from || !allowed) return {};
    const report = (node, message) => context.report({ node, message });
    return onImport((node, specifier) => {
      if (!specifier.startsWith(".")) return;
      const target = path.resolve(path.dirname(file), specifier.replace(/\?.*$/, ""));
      const to = placeOf(target);
      if (to === undefined) return;
      if (to !== from && !allowed.some((name) => name === to || name === `${to}.ts` || name === `${to}.tsx`)) {
        report(node, `${from} may import ${allowed.join(", ") || "no other folder"}; not ${to}.`);
      }
      if (to === from && isolated.includes(from)) {
        const part = (of) => path.relative(path.join(source, from), of).split(path.sep)[0];
        if (part(file) !== part(target)) report(node, `${from}/${part(file)} may not import ${from}/${part(target)}.`);
      }
    });
  },
};

/** Options: [package pattern → the folder or file of src that may name it; null is nowhere]. `*` ends a pattern. */
const owners = {
  meta: { type: "problem", schema: [{ type: "object" }] },
  create(context) {
    const relative = path.relative(source, context.filename).split(path.sep).join("/");
    if (relative.startsWith("..")) return {};
    const entries = Object.entries(context.options[0]);
    const matches = (pattern, name) =>
      pattern.endsWith("*")
        ? name.startsWith(pattern.slice(0, -1))
        : name === pattern || name.startsWith(`${pattern}/`);
    return onImport((node, specifier) => {
      for (const [pattern, owner] of entries) {
        if (matches(pattern, specifier) && relative !== owner && !relative.startsWith(`${owner}/`)) {
          context.report({ node, message: `Only ${owner} may import ${pattern}.` });
        }
      }
    });
  },
};

/** A file is named for its main export and opens with one sentence that says what it is. */
const fileHead = {
  meta: { type: "suggestion", schema: [] },
  create: (context) => ({
    Program(node) {
      const name = path.basename(context.filename);
      if (/^(index|utils?|helpers?|types|manager|service|common|misc)\.tsx?$/.test(name)) {
        context.report({
          node,
          loc: { line: 1, column: 0 },
          message: `Name the file for its main export, not ${name}.`,
        });
      }
      if (!/\.test\.tsx?$/.test(name) && !/^(#!.*\n)?\/\*\*\s+(\* )?@file \S/.test(context.sourceCode.text)) {
        context.report({
          node,
          loc: { line: 1, column: 0 },
          message: "Open the file with `/** @file one sentence */`.",
        });
      }
    },
  }),
};

/** A suppression says why, on its line: `-- reason`. */
const suppressionReason = {
  meta: { type: "suggestion", schema: [] },
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        const suppresses = /^\s*(eslint-disable|biome-ignore)/.test(comment.value);
        if (suppresses && !/( -- |: )\S/.test(comment.value)) {
          context.report({ loc: comment.loc, message: "Give the reason: `-- why`." });
        }
      }
    },
  }),
};

export const anneal = {
  rules: { layers, owners, "file-head": fileHead, "suppression-reason": suppressionReason },
};
