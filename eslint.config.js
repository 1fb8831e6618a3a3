/** @file Lint rules, and with them the architecture: what each folder of src may import, and who owns which package. */
import importX from "eslint-plugin-import-x";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";
import { anneal } from "./scripts/lintRules.mjs";

/** What each folder (and entry file) of src may import. The README's folder map mirrors it. */
const mayImport = {
  core: [],
  formats: ["core"],
  scoring: ["core"],
  objectives: ["core"],
  kernels: ["core"],
  jail: ["core"],
  bridge: ["core", "engine.worker.ts"], // the worker only by its address
  data: ["core", "formats", "jail"],
  storage: ["core", "formats"],
  model: ["core", "formats", "kernels"],
  jobs: ["core", "formats", "kernels", "model", "data", "scoring", "objectives", "storage", "jail"],
  state: ["core", "formats", "scoring", "storage", "bridge"],
  ui: ["core"],
  features: ["core", "state", "ui"],
  "engine.worker.ts": [
    "core",
    "formats",
    "kernels",
    "model",
    "data",
    "scoring",
    "objectives",
    "storage",
    "jail",
    "jobs",
    "bridge",
  ],
  cli: ["core", "formats", "kernels", "model", "data", "scoring", "objectives", "storage", "jail", "jobs"],
  "cli.ts": ["cli", "core", "formats", "kernels", "model", "data", "scoring", "objectives", "storage", "jail", "jobs"],
  "routes.ts": ["core", "features", "ui"],
  "App.tsx": ["core", "state", "ui", "features", "routes.ts"],
  "main.tsx": ["core", "state", "ui", "App.tsx"],
};

/** Folders whose parts never import each other. */
const isolated = ["features"];

/** Packages that only one place may name. */
const owners = {
  "@tensorflow/*": "kernels/tf.ts",
  idb: "storage",
  zustand: "state",
  recharts: "ui",
};

const ban = (selector, message) => ({ selector, message });
const defaultExport = ban("ExportDefaultDeclaration", "Export by name; only what React.lazy loads exports a default.");
const blocking = ban(
  "CallExpression[callee.property.name=/^(dataSync|arraySync)$/]",
  "Reading a tensor synchronously blocks the engine and fails on WebGPU: await data() or array().",
);

export default tseslint.config(
  {
    ignores: [
      "dist",
      "shots",
      ".cache",
      "public",
      "test-results",
      "playwright-report",
      "**/.venv",
      "src/kernels/wasm/assembly", // AssemblyScript: its own compiler checks it
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { anneal, "import-x": importX },
    settings: {
      "import-x/resolver-next": [importX.createNodeResolver({ extensions: [".ts", ".tsx", ".mjs", ".js", ".json"] })],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts", ".tsx"] },
      "import-x/ignore": ["node_modules"],
    },
    rules: {
      "anneal/layers": ["error", mayImport, isolated],
      "anneal/owners": ["error", owners],
      "anneal/file-head": "error",
      "anneal/suppression-reason": "error",
      "import-x/no-cycle": ["error", { ignoreExternal: true }],
      "no-restricted-syntax": ["error", defaultExport, blocking],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // `void promise` says that nobody waits, and arrow shorthands return what they call.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-invalid-void-type": "off", // a call without arguments is `args: void`
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
    },
  },
  {
    // Of the React compiler's rules, those that find bugs; the rest serve the compiler, which is not used.
    files: ["src/**/*.tsx", "src/features/**/*.ts", "src/ui/**/*.ts", "src/state/**/*.ts"],
    plugins: { "react-hooks": reactHooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "react-hooks/static-components": "error",
      "react-hooks/set-state-in-render": "error",
      "react-hooks/error-boundaries": "error",
      "react-hooks/purity": "error",
      "react-hooks/globals": "error",
    },
  },
  {
    // Configurations, and what React.lazy loads.
    files: ["*.config.ts", "src/features/**/*.tsx"],
    rules: { "no-restricted-syntax": ["error", blocking] },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    ignores: ["**/*.test.{ts,tsx}"],
    rules: { "max-lines": ["error", { max: 350, skipBlankLines: true }] },
  },
  {
    // Tests read results at once, say `!` where the assertion before made sure, and wait for what callbacks set.
    files: ["**/*.test.{ts,tsx}", "e2e/**/*.ts", "bench/**/*.ts"],
    rules: {
      "no-restricted-syntax": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unnecessary-condition": "off",
    },
  },
  { files: ["**/*.{js,mjs}"], languageOptions: { sourceType: "module" } },
);
