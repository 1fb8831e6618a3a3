/** @file Takes everything from a worker that is not the language itself. Names nothing outside itself, as it is sent as text. */

/**
 * The network, storage, timers, Node's modules, raw memory and making code of text are gone afterwards. It may run in a script
 * whose later part is foreign, and whose functions already exist under names of their choice: so it takes the language's
 * objects from literals, which nothing can stand in for, and none by name.
 * @param scope the global object
 */
export function lockDown(scope: object): void {
  const language =
    `globalThis undefined NaN Infinity isNaN isFinite parseInt parseFloat encodeURI encodeURIComponent decodeURI
    decodeURIComponent Object Boolean Symbol Number BigInt Math Date String RegExp Array Map Set WeakMap WeakSet WeakRef
    Promise Proxy Reflect JSON Intl Iterator Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError
    URIError`.split(/\s+/);
  const objects = {}.constructor as ObjectConstructor;
  // A worker's own names lie on its global object and on the objects it is derived from.
  for (
    let at: object | null = scope;
    at && at !== objects.prototype;
    at = objects.getPrototypeOf(at) as object | null
  ) {
    for (const name of [...objects.getOwnPropertyNames(at), ...objects.getOwnPropertySymbols(at)]) {
      if (at !== scope ? name === "constructor" : typeof name === "string" && language.includes(name)) continue;
      let isGone = false;
      try {
        // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- what is only undefined would still be there
        isGone = delete (at as Record<PropertyKey, unknown>)[name];
      } catch {
        // Strict code throws where other code answers false.
      }
      try {
        if (!isGone) objects.defineProperty(at, name, { value: undefined, writable: false });
      } catch {
        // What can neither go nor change is a value of the language or a function of the foreign code itself.
      }
    }
  }
  for (const made of [function () {}, async function () {}, function* () {}, async function* () {}])
    objects.defineProperty(objects.getPrototypeOf(made), "constructor", { value: undefined });
  try {
    [].reduce((sum) => sum);
  } catch (error) {
    // V8 would hand it what is on the stack.
    const { constructor } = objects.getPrototypeOf(objects.getPrototypeOf(error)) as object;
    objects.defineProperty(constructor, "prepareStackTrace", { value: undefined, writable: false });
  }
}
