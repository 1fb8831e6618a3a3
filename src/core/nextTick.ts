/** @file Lets the event loop turn once, in a page, a worker and Node. */

/** Node's ports hand over up to 1,000 messages before anything else runs, so there a tick is an immediate. */
const immediate = (globalThis as { setImmediate?: (wake: () => void) => void }).setImmediate;

const waiting: (() => void)[] = [];
let outbox: MessagePort | null = null;

function post() {
  if (!outbox) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => waiting.shift()?.();
    outbox = port2;
  }
  outbox.postMessage(null);
}

/** Lets the event loop turn once. In a browser by a message, because a hidden page's timers fall to one a minute. */
export function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    if (immediate) immediate(resolve);
    else {
      waiting.push(resolve);
      post();
    }
  });
}
