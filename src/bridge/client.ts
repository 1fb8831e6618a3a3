/** @file The page's one engine, in its worker. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import type { Calls, Events } from "./protocol";
import { connect } from "./rpc";

const worker = new Worker(new URL("../engine.worker.ts", import.meta.url), { type: "module", name: "engine" });

export const engine = connect<Calls, Events>(worker);

/** Resolves, should the worker ever die, with why: open calls are rejected, later ones are not answered. */
export const crashed = new Promise<StudioError>((resolve) => {
  worker.onerror = (event) => {
    const detail = event.message ? say`${event.message}` : say`The engine's script could not be loaded or run`;
    engine.crash(detail);
    resolve(new StudioError("engine.crashed", detail));
  };
});
