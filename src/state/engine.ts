/** @file The engine as the page sees it: opened after the first paint, mirrored here. */

import { create } from "zustand";
import type { engine as client } from "../bridge/client";
import type { Events } from "../bridge/protocol";
import type { EngineInfo } from "../core/engine";
import { fromWire } from "../core/errors";
import { useSettings } from "./settings";

export type Engine = typeof client;
export type EngineMemory = Events["engine.memory"];

export type EngineState =
  | { status: "closed" }
  | { status: "opening" }
  | { status: "ready"; info: EngineInfo }
  | { status: "failed"; error: unknown };

export const useEngine = create<EngineState>(() => ({ status: "closed" }));

/** Apart from the rest, as it changes often. */
export const useMemory = create<{ memory: EngineMemory | null }>(() => ({ memory: null }));

let connected: Promise<Engine> | undefined;
let opened: Promise<Engine> | undefined;
let isDead = false;

/** The worker starts with the first import of its client. */
async function connectEngine(): Promise<Engine> {
  const { engine, crashed } = await import("../bridge/client");
  const fail = (error: Error) => {
    opened = Promise.reject(error);
    opened.catch(() => undefined); // whoever calls next is told
    useEngine.setState({ status: "failed", error }, true);
  };
  engine.on("engine.memory", (memory) => useMemory.setState({ memory }));
  engine.on("device.lost", (wire) => fail(fromWire(wire)));
  void crashed.then((error) => {
    isDead = true;
    fail(error);
  });
  return engine;
}

async function open(): Promise<Engine> {
  useEngine.setState({ status: "opening" }, true);
  try {
    const engine = await (connected ??= connectEngine());
    const info = await engine.call("engine.open", { choice: useSettings.getState().backend });
    useEngine.setState({ status: "ready", info }, true);
    return engine;
  } catch (error) {
    useEngine.setState({ status: "failed", error }, true);
    throw error;
  }
}

/** The engine once it is open, opening it if need be. Throws what kept it from opening. */
export function openEngine(): Promise<Engine> {
  return (opened ??= open());
}

/** Opens the engine again: after a change of backend, or a failure. A worker that died takes the page's reload. */
export async function reopenEngine(): Promise<void> {
  if (isDead) {
    location.reload();
    return;
  }
  opened = open();
  await opened.catch(() => undefined); // the state tells
}

/** Opens the engine when the page has painted and is idle. */
export function startEngine() {
  requestAnimationFrame(() => {
    setTimeout(() => void openEngine().catch(() => undefined)); // the state tells
  });
}
