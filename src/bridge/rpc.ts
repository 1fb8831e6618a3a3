/** @file Typed calls and events over a message port. Knows nothing of what is said over it. */

import { fromWire, StudioError, toWire, type WireError } from "../core/errors";
import { type Said, say } from "../core/say";

type CallMap = Record<string, { args: unknown; result: unknown }>;

/** One handler for every call: a missing one does not compile. */
export type Handlers<Calls extends CallMap> = {
  [K in keyof Calls]: (args: Calls[K]["args"], signal: AbortSignal) => Promise<Calls[K]["result"]>;
};

type ToEngine = { type: "call"; id: number; name: string; args: unknown } | { type: "abort"; id: number };
type FromEngine =
  | { type: "result"; id: number; value: unknown }
  | { type: "error"; id: number; error: WireError }
  | { type: "event"; name: string; value: unknown };

/** What a Worker, a MessagePort and a worker's own scope have in common. */
type Port = {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => unknown) | null;
};

const transfers = new WeakMap<object, Transferable[]>();

/** Marks what is to be moved, not copied, when `value` is sent. */
export function withTransfer<T extends object>(value: T, list: Transferable[]): T {
  transfers.set(value, list);
  return value;
}

function post(port: Port, message: ToEngine | FromEngine, value?: unknown) {
  const list = typeof value === "object" && value !== null ? transfers.get(value) : undefined;
  port.postMessage(message, list ?? []);
}

/** The engine's end. Returns the function that emits events. */
export function serve<Calls extends CallMap, Events extends object>(port: Port, handlers: Handlers<Calls>) {
  const running = new Map<number, AbortController>();

  const answer = async (id: number, name: string, args: unknown) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      if (!Object.hasOwn(handlers, name)) throw new StudioError("bug", say`No handler for ${name}`);
      const value = await handlers[name as keyof Calls](args, controller.signal);
      post(port, { type: "result", id, value }, value);
    } catch (error) {
      post(port, { type: "error", id, error: toWire(error) });
    } finally {
      running.delete(id);
    }
  };

  port.onmessage = ({ data }: MessageEvent<ToEngine>) => {
    if (data.type === "abort") running.get(data.id)?.abort(new StudioError("task.aborted"));
    else void answer(data.id, data.name, data.args);
  };

  return function emit<K extends keyof Events & string>(name: K, value: Events[K]) {
    post(port, { type: "event", name, value }, value);
  };
}

/** The page's end. */
export function connect<Calls extends CallMap, Events extends object>(port: Port) {
  type Pending = { resolve: (value: never) => void; reject: (error: StudioError) => void };
  const pending = new Map<number, Pending>();
  const listeners = new Map<string, Set<(value: never) => void>>();
  let nextId = 0;

  port.onmessage = ({ data }: MessageEvent<FromEngine>) => {
    if (data.type === "event") {
      for (const listener of listeners.get(data.name) ?? []) listener(data.value as never);
      return;
    }
    const call = pending.get(data.id);
    pending.delete(data.id);
    if (data.type === "result") call?.resolve(data.value as never);
    else call?.reject(fromWire(data.error));
  };

  return {
    call<K extends keyof Calls & string>(
      name: K,
      args: Calls[K]["args"],
      signal?: AbortSignal,
    ): Promise<Calls[K]["result"]> {
      if (signal?.aborted) return Promise.reject(new StudioError("task.aborted"));
      const id = nextId++;
      const abort = () => {
        post(port, { type: "abort", id });
      };
      signal?.addEventListener("abort", abort, { once: true });
      return new Promise<Calls[K]["result"]>((resolve, reject) => {
        pending.set(id, { resolve, reject });
        post(port, { type: "call", id, name, args }, args);
      }).finally(() => signal?.removeEventListener("abort", abort));
    },

    on<K extends keyof Events & string>(name: K, listener: (value: Events[K]) => void): () => void {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => set.delete(listener);
    },

    /** Rejects every open call: the engine is gone and will not answer. */
    crash(detail: Said) {
      for (const { reject } of pending.values()) reject(new StudioError("engine.crashed", detail));
      pending.clear();
    },
  };
}
