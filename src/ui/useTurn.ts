/** @file Heavy parts of a page take turns, one a frame, so that news for all of them never makes one long frame. */

import { useEffect, useRef, useState } from "react";

/** Parts that want to be drawn again, the longest waiting first. */
const waiting = new Set<() => void>();
let frame = 0;

function serve() {
  const [first] = waiting;
  if (first) {
    waiting.delete(first);
    first();
  }
  frame = waiting.size > 0 ? requestAnimationFrame(serve) : 0;
}

function ask(take: () => void) {
  waiting.add(take);
  if (frame === 0) frame = requestAnimationFrame(serve);
}

/**
 * The value as it was when this part last had its turn; undefined before the first. What comes while it waits is
 * skipped: the turn takes the latest.
 */
export function useTurn<T>(value: T): T | undefined {
  const [shown, setShown] = useState<{ value: T } | null>(null);
  const latest = useRef(value);
  const [take] = useState(() => () => setShown({ value: latest.current }));
  useEffect(() => {
    latest.current = value;
    ask(take);
  }, [value, take]);
  useEffect(() => () => void waiting.delete(take), [take]);
  return shown?.value;
}
