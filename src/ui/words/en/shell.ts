/** @file Words of the frame: rail, status line, palette, and what every page shares. */

export const common = {
  unreadable_one:
    "{{count, number}} stored record is of a form that this version does not know. It is kept, but not shown.",
  unreadable_other:
    "{{count, number}} stored records are of a form that this version does not know. They are kept, but not shown.",
  close: "Close",
  cancel: "Cancel",
  dismiss: "Dismiss",
  retry: "Try again",
  loading: "Loading…",
};

export const field = {
  notNumber: "Not a number",
  tooSmall: "At least {{minimum}}",
  tooBig: "At most {{maximum}}",
};

export const shell = {
  skip: "Skip to content",
  navigation: "Pages",
  messages: "Messages",
  status: "Status",
  find: "Find",
  studio: "Studio",
  models: "Models",
  datasets: "Datasets",
  runs: "Runs",
  playground: "Playground",
  settings: "Settings",
  notFound: "There is no page here",
  notFoundHint: "The address may be old, or mistyped.",
  toStudio: "Go to Studio",
  engineLoading: "Engine starting…",
  engineFailed: "Engine not running",
  retryEngine: "Start the engine again",
  webgpu: "WebGPU",
  webgpuOn: "WebGPU · {{adapter}}",
  wasm_one: "WASM · {{count, number}} thread",
  wasm_other: "WASM · {{count, number}} threads",
  cpu: "CPU",
  software: "software",
  memory: "{{used}} of {{available}}",
  memoryWhy: "Memory the engine holds, of what it may use. {{tensors}} tensors.",
  pause: "Pause {{name}}",
  continue: "Continue {{name}}",
  palette: "Find a page, run, data set or action",
  palettePlaceholder: "Pages, runs, data sets, actions",
  paletteEmpty: "Nothing by that name",
  groupPages: "Pages",
  groupRuns: "Runs",
  groupDatasets: "Data sets",
  groupActions: "Actions",
  actionTheme: "Switch between light and dark",
  actionImport: "Import a data set",
  dropHere: "Drop a data set, a GGUF file, or a folder of a model or an adapter",
};
