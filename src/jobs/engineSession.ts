/** @file What the engine holds between calls: the device, the base on it, whose turn it is. */

import type { BackendChoice, EngineInfo } from "../core/engine";
import type { StudioError } from "../core/errors";
import { type Device, deviceMemory, openDevice } from "../kernels/device";
import { type LoadedModel, loadModel, type ModelFiles, unloadModel } from "./loadModel";
import { newTurns, type Turns } from "./turns";

export type Session = {
  device: Device;
  choice: BackendChoice;
  turns: Turns;
  /** One base at a time, shared by runs and chat. */
  base: { name: string; loading: Promise<LoadedModel> } | null;
};

export type EngineSession = ReturnType<typeof newEngineSession>;

export function newEngineSession(host: {
  /** Throws `model.missing`. */
  filesOf: (model: string) => ModelFiles;
  /** The device is gone, and with it all that was on it; `open` makes a new one. */
  onLost: (error: StudioError) => void;
}) {
  let opening: Promise<Session> | null = null;
  let now: Session | null = null;

  const begin = async (choice: BackendChoice): Promise<Session> => {
    const device = await openDevice(choice);
    const session: Session = { device, choice, turns: newTurns(), base: null };
    now = session;
    void device.lost.then((error) => {
      if (now !== session) return;
      now = null;
      opening = null;
      host.onLost(error);
    });
    return session;
  };

  return {
    /** Opens the device, or answers the one that is open; another choice closes that first. */
    open: async (choice: BackendChoice): Promise<EngineInfo> => {
      if (now && now.choice !== choice) {
        const old = now;
        now = null;
        opening = null;
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

    /** The base, loaded once. Throws as its files do not fit. */
    model: async (session: Session, name: string): Promise<LoadedModel> => {
      if (session.base?.name !== name) {
        if (session.base) await session.turns(() => unload(session));
        const base = { name, loading: loadModel(host.filesOf(name)) };
        session.base = base;
        base.loading.catch(() => {
          if (session.base === base) session.base = null;
        });
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
