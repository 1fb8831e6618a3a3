/** @file What the engine holds between calls: the device, the base on it, whose turn it is. */

import type { BackendChoice, EngineInfo } from "../core/engine";
import type { StudioError } from "../core/errors";
import type { WeightFormat } from "../core/packing";
import { newTurns, type Turns } from "../core/turns";
import { type Device, deviceMemory, openDevice } from "../kernels/device";
import { chooseProducts } from "../kernels/product";
import { tuneProducts } from "../kernels/tuneProducts";
import { productShapes } from "../model/productShapes";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import type { ModelFiles } from "./openModel";

export type Session = {
  device: Device;
  choice: BackendChoice;
  turns: Turns;
  /** Aborted when another device takes this one's place. */
  closing: AbortController;
  /** One base at a time, shared by runs and chat. */
  base: { name: string; key: string; loading: Promise<LoadedModel> } | null;
};

/** The rank that products are tuned for; others take what was found for the frozen weights, and a rule for the rest. */
const usualRank = 16;

export type EngineSession = ReturnType<typeof newEngineSession>;

export function newEngineSession(host: {
  /** Throws `model.missing`. */
  filesOf: (model: string) => Promise<ModelFiles>;
  /** How much of a model's weights is on the device, in matrices. */
  onLoading?: (model: string, done: number, total: number) => void;
  /** The device is gone, and with it all that was on it; `open` makes a new one. */
  onLost: (error: StudioError) => void;
  /** What is known of this adapter's speed, by shape of a product, and where it is kept. */
  tunings: {
    read: (adapter: string) => Promise<Record<string, string>>;
    write: (adapter: string, variants: Record<string, string>) => Promise<void>;
  };
}) {
  let opening: Promise<Session> | null = null;
  let now: Session | null = null;

  const begin = async (choice: BackendChoice): Promise<Session> => {
    const device = await openDevice(choice);
    const session: Session = { device, choice, turns: newTurns(), closing: new AbortController(), base: null };
    now = session;
    void device.lost.then((error) => {
      session.closing.abort(error);
      if (now !== session) return;
      now = null;
      opening = null;
      host.onLost(error);
    });
    return session;
  };

  /** Finds the fastest way of each product on a graphics card, beside other work. What goes wrong here costs speed alone. */
  const tune = async ({ device, turns, closing }: Session, { config, llama }: LoadedModel): Promise<void> => {
    if (device.backend !== "webgpu" || device.software) return;
    const known = await host.tunings.read(device.adapter);
    chooseProducts(known);
    const shapes = productShapes(config, llama.embedding.format, usualRank);
    const found = await tuneProducts(shapes, known, turns, closing.signal);
    if (Object.keys(found).length > Object.keys(known).length) await host.tunings.write(device.adapter, found);
  };

  return {
    /** Opens the device, or answers the one that is open; another choice closes that first. */
    open: async (choice: BackendChoice): Promise<EngineInfo> => {
      if (now && now.choice !== choice) {
        const old = now;
        now = null;
        opening = null;
        old.closing.abort();
        await old.turns(() => unload(old)); // after the work under way: nobody's tensors are taken from under them
      }
      const mine = (opening ??= begin(choice));
      mine.catch(() => {
        if (opening === mine) opening = null; // the next call tries again
      });
      const { backend, adapter, software, threads, features, reason } = (await mine).device;
      return { backend, adapter, software, threads, features, reason };
    },

    /** Opened as `auto` where nobody has chosen. */
    current: (): Promise<Session> => (opening ??= begin("auto")),

    /** Whether `choice` would close the device that is open. */
    isOther: (choice: BackendChoice) => now !== null && now.choice !== choice,

    memory: () => (now ? { ...deviceMemory(), device: now.device } : null),

    /**
     * The base, loaded once; another takes its place, and so does the same in another precision. `any` takes it as it is
     * there, so that adapters and the base itself are asked in turn without a reload. Throws as its files do not fit.
     */
    model: async (session: Session, name: string, wanted?: WeightFormat | "any"): Promise<LoadedModel> => {
      if (wanted === "any" && session.base?.name === name) return session.base.loading;
      const precision = wanted === "any" ? undefined : wanted;
      const key = `${name} ${precision ?? ""}`;
      if (session.base?.key !== key) {
        if (session.base) await session.turns(() => unload(session));
        const { signal } = session.closing;
        const load = async () =>
          loadModel(await host.filesOf(name), {
            precision,
            signal,
            onProgress: (done, total) => host.onLoading?.(name, done, total),
          });
        const base = { name, key, loading: load() };
        session.base = base;
        base.loading.then(
          (model) => {
            tune(session, model).catch(() => undefined);
          },
          () => {
            if (session.base === base) session.base = null;
          },
        );
      }
      return session.base.loading;
    },
  };
}

async function unload(session: Session): Promise<void> {
  const model = await session.base?.loading.catch(() => null);
  session.base = null;
  if (model) unloadModel(model);
}
