/**
 * @file Gradients by tfjs' tape, walked by ourselves: what a step of the way back has used up is freed at once. tfjs'
 * own `gradients` keeps every saved tensor and every gradient until the end, about twice the memory at the peak.
 */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { add } from "./add";
import { tf } from "./tf";

type Node = {
  kernelName: string;
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  /** Of the outputs' gradients, in order; missing ones become zeros. */
  gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
  saved?: tf.Tensor[];
};

type State = { activeTape: Node[] | null; gradientDepth: number };

const stateOf = (): State => (tf.engine() as unknown as { state: State }).state;

/**
 * f(), and the gradient of Σ f() · dy (dy ones where not given) with respect to `xs`. Works within the derivative of a
 * kernel too: a tape that was being walked goes on afterwards. The tensors are the caller's to dispose of.
 */
export function gradients<T extends tf.Tensor>(
  f: () => T,
  xs: readonly tf.Tensor[],
  dy?: tf.Tensor,
): { value: T; gradients: tf.Tensor[] } {
  const pass = recorded(f);
  const found = pass.back(xs, dy);
  const missing = found.findIndex((gradient) => gradient === null);
  if (missing >= 0) {
    tf.dispose([pass.value, ...found.filter((gradient) => gradient !== null)]);
    throw new StudioError("bug", say`The loss does not depend on trained tensor ${missing + 1}`);
  }
  return { value: pass.value, gradients: found as tf.Tensor[] };
}

/**
 * f(), and its way back to be walked once, whenever dy is known: until then what it needs is held. The value is the
 * caller's to dispose of; `forget` frees the rest where nobody walks back. A gradient is null where f does not depend on x.
 */
export function recorded<T extends tf.Tensor>(
  f: () => T,
): { value: T; back: (xs: readonly tf.Tensor[], dy?: tf.Tensor) => (tf.Tensor | null)[]; forget: () => void } {
  const { value, tape } = onTape(f);
  const forget = () => {
    for (const { saved } of tape) tf.dispose(saved ?? []);
    tape.length = 0;
  };
  const back = (xs: readonly tf.Tensor[], dy?: tf.Tensor) => {
    try {
      const sums = tf.tidy(() => walkBack(tape, value, xs, dy));
      return xs.map(({ id }) => sums[id] ?? null);
    } finally {
      forget(); // nodes that were not on the way
    }
  };
  return { value, back, forget };
}

/** Runs f under a tape of its own. */
function onTape<T extends tf.Tensor>(f: () => T): { value: T; tape: Node[] } {
  const state = stateOf();
  const { activeTape, gradientDepth } = state;
  const tape: Node[] = [];
  state.activeTape = tape;
  state.gradientDepth = 1;
  try {
    return { value: tf.tidy(f), tape };
  } catch (error) {
    for (const { saved } of tape) tf.dispose(saved ?? []);
    throw error;
  } finally {
    Object.assign(state, { activeTape, gradientDepth });
  }
}

/** The gradients of those xs that y depends on, by their ids. */
function walkBack(tape: Node[], y: tf.Tensor, xs: readonly tf.Tensor[], dy?: tf.Tensor): Record<number, tf.Tensor> {
  const wanted = new Set(xs.map(({ id }) => id));
  const fromXs = new Set(wanted); // tensors that depend on xs
  for (const { inputs, outputs } of tape) {
    if (Object.values(inputs).some(({ id }) => fromXs.has(id))) for (const { id } of outputs) fromXs.add(id);
  }
  const sums = new Map<number, tf.Tensor>([[y.id, dy ? tf.clone(dy) : tf.ones(y.shape)]]);
  for (const node of tape.toReversed()) {
    const dys = node.outputs.map(({ id }) => sums.get(id) ?? null);
    const onTheWay = Object.entries(node.inputs).filter(([, { id }]) => fromXs.has(id));
    if (onTheWay.length > 0 && dys.some((dy) => dy !== null)) {
      const parts = tf.tidy(() => partsOf(node, dys, onTheWay));
      for (const { id, dx } of parts) {
        const sum = sums.get(id);
        sums.set(id, sum ? add(sum, dx) : dx);
        if (sum) tf.dispose([sum, dx]);
      }
    }
    // Nodes before this one read none of it.
    for (const { id } of node.outputs) {
      if (wanted.has(id)) continue;
      sums.get(id)?.dispose();
      sums.delete(id);
    }
    tf.dispose(node.saved ?? []);
    delete node.saved;
  }
  return Object.fromEntries([...sums].filter(([id]) => wanted.has(id)));
}

/** What one node adds to the gradients of its inputs. */
function partsOf(
  node: Node,
  dys: (tf.Tensor | null)[],
  inputs: [string, tf.Tensor][],
): { id: number; dx: tf.Tensor }[] {
  if (!node.gradient) throw new StudioError("bug", say`${node.kernelName} has no derivative`);
  const thunks = node.gradient(dys);
  return inputs.map(([name, { id }]) => {
    const thunk = thunks[name];
    if (!thunk) throw new StudioError("bug", say`${node.kernelName} has no derivative for ${name}`);
    const dx = thunk();
    return { id, dx: dys.includes(dx) ? tf.clone(dx) : dx }; // the output's gradient is freed, this one stays
  });
}
