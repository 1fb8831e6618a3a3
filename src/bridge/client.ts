/** @file The page's one engine, in its worker. */

import type { Calls, Events } from "./protocol";
import { connect } from "./rpc";

const worker = new Worker(new URL("../engine.worker.ts", import.meta.url), { type: "module", name: "engine" });

export const engine = connect<Calls, Events>(worker);

worker.onerror = (event) => {
  engine.crash(event.message);
};
