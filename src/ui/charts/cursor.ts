/** @file The place on the axis that several charts show together: hovered, or pinned by a click. */

import { createContext, useContext, useSyncExternalStore } from "react";

export type CursorState = {
  /** In the axis' own unit; null while nothing is pointed at. */
  x: number | null;
  isPinned: boolean;
};

export type Cursor = {
  get: () => CursorState;
  /** Follows the pointer; does nothing while pinned. */
  hover: (x: number | null) => void;
  /** Moves a pinned or free cursor: the keyboard's way. */
  move: (x: number) => void;
  pin: (x: number) => void;
  release: () => void;
  subscribe: (listener: () => void) => () => void;
};

export function newCursor(): Cursor {
  let state: CursorState = { x: null, isPinned: false };
  const listeners = new Set<() => void>();
  const set = (next: CursorState) => {
    if (next.x === state.x && next.isPinned === state.isPinned) return;
    state = next;
    for (const listener of listeners) listener();
  };
  return {
    get: () => state,
    hover: (x) => {
      if (!state.isPinned) set({ x, isPinned: false });
    },
    move: (x) => set({ ...state, x }),
    pin: (x) => set({ x, isPinned: true }),
    release: () => set({ x: null, isPinned: false }),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const CursorContext = createContext<Cursor>(newCursor());

/** Charts inside show one cursor. */
export const CursorProvider = CursorContext.Provider;

export const useCursor = () => useContext(CursorContext);

export function useCursorState(): CursorState {
  const { subscribe, get } = useCursor();
  return useSyncExternalStore(subscribe, get);
}
