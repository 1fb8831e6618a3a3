/** @file Asks for a file with the browser's own dialog. Call it from a press: browsers refuse it otherwise. */

export function pickFile(accept: string, onFile: (file: File) => void) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  input.hidden = true;
  input.onchange = () => {
    const file = input.files?.[0];
    input.remove();
    if (file) onFile(file);
  };
  input.oncancel = () => input.remove();
  document.body.append(input); // some browsers tell nothing of an input outside the page
  input.click();
}

export const datasetFiles = ".jsonl,.ndjson,.json,.csv,.tsv,.txt,application/json,text/csv,text/plain";
