/** @file The browser's jail: the worker's entry. */

import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { type JailCall, serveJail } from "./jailProgram";
import { lockDown } from "./lockDown";

const scope = globalThis as unknown as {
  postMessage: (message: unknown) => void;
  addEventListener: (type: "message", listener: (event: { data: JailCall }) => void) => void;
};
const post = scope.postMessage.bind(scope);
const listen = scope.addEventListener.bind(scope);

serveJail({
  lockDown,
  jinja: { Environment, Interpreter, parse, tokenize },
  post,
  listen: (onCall) => listen("message", ({ data }) => onCall(data)),
});
