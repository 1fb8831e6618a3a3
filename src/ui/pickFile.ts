/** @file Asks for files with the browser's own dialog. Call it from a press: browsers refuse it otherwise. */

export function pickFile(accept: string, onFile: (file: File) => void) {
  pick({ accept }, ([file]) => {
    if (file) onFile(file);
  });
}

/** Several files, or with `webkitdirectory` all of a folder. */
export function pickFiles(
  options: { accept: string; multiple: true } | { webkitdirectory: true },
  onFiles: (files: File[]) => void,
) {
  pick(options, (files) => {
    if (files.length > 0) onFiles(files);
  });
}

type Options = { accept?: string; multiple?: boolean; webkitdirectory?: boolean };

function pick({ accept = "", multiple = false, webkitdirectory = false }: Options, onFiles: (files: File[]) => void) {
  const input = document.createElement("input");
  input.type = "file";
  input.hidden = true;
  input.accept = accept;
  input.multiple = multiple;
  input.webkitdirectory = webkitdirectory;
  input.onchange = () => {
    const files = [...(input.files ?? [])];
    input.remove();
    onFiles(files);
  };
  input.oncancel = () => input.remove();
  document.body.append(input); // some browsers tell nothing of an input outside the page
  input.click();
}

export const modelFiles = ".gguf,.safetensors,.json,.jinja,.txt,.bin,.md";
export const adapterFiles = ".zip,.safetensors,.json,.gguf";
export const datasetFiles = ".jsonl,.ndjson,.json,.csv,.tsv,.txt,application/json,text/csv,text/plain";
