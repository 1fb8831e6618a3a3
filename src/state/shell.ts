/** @file What floats over every page: messages, the palette, a file that was dropped. */

import { create } from "zustand";

export type Message = {
  id: number;
  tone: "good" | "bad" | "info";
  title: string;
  detail?: string;
  /** What can be done about it; the message goes with it. */
  action?: { label: string; run: () => void };
  /** What it is about, where a later message of the same takes its place. */
  topic?: string;
};

type Shell = { messages: Message[]; isPaletteOpen: boolean };

export const useShell = create<Shell>(() => ({ messages: [], isPaletteOpen: false }));

let lastId = 0;

/** Shows a short message; it goes by itself unless it tells of a failure. */
export function showMessage(message: Omit<Message, "id">): number {
  const id = ++lastId;
  if (message.topic !== undefined) dismissTopic(message.topic);
  useShell.setState(({ messages }) => ({ messages: [...messages.slice(-3), { ...message, id }] }));
  if (message.tone !== "bad") setTimeout(() => dismissMessage(id), 6000);
  return id;
}

export function dismissMessage(id: number) {
  useShell.setState(({ messages }) => ({ messages: messages.filter((message) => message.id !== id) }));
}

/** What was said of it no longer holds. */
export function dismissTopic(topic: string) {
  useShell.setState(({ messages }) => ({ messages: messages.filter((message) => message.topic !== topic) }));
}

export function openPalette(isPaletteOpen = true) {
  useShell.setState({ isPaletteOpen });
}
