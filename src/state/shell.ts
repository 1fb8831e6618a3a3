/** @file What floats over every page: messages, the palette, a file that was dropped. */

import { create } from "zustand";

export type Message = {
  id: number;
  tone: "good" | "bad" | "info";
  title: string;
  detail?: string;
  /** What can be done about it; the message goes with it. */
  action?: { label: string; run: () => void };
};

type Shell = { messages: Message[]; isPaletteOpen: boolean };

export const useShell = create<Shell>(() => ({ messages: [], isPaletteOpen: false }));

let lastId = 0;

/** Shows a short message; it goes by itself unless it tells of a failure. */
export function showMessage(message: Omit<Message, "id">): number {
  const id = ++lastId;
  useShell.setState(({ messages }) => ({ messages: [...messages.slice(-3), { ...message, id }] }));
  if (message.tone !== "bad") setTimeout(() => dismissMessage(id), 6000);
  return id;
}

export function dismissMessage(id: number) {
  useShell.setState(({ messages }) => ({ messages: messages.filter((message) => message.id !== id) }));
}

export function openPalette(isPaletteOpen = true) {
  useShell.setState({ isPaletteOpen });
}
