/**
 * What was said and written, in one history: a pure reducer over LiveKit's transcription streams and
 * the chat box.
 *
 * The agent's words come as pieces of one stream per segment; the person's come as a new stream with
 * the whole text each time. A second stream for a segment replaces its text, and when it is a
 * beginning of what was shown, the rest was never heard: it is kept as `cut`, struck through.
 */
import { words } from "../words";

export type Speaker = "them" | "you";
export type Delivery = "done" | "waiting" | "failed";

export interface Message {
  readonly id: string;
  readonly from: Speaker;
  readonly how: "spoken" | "typed";
  readonly text: string;
  /** Words that were shown and then not said, because of an interruption. */
  readonly cut: string;
  /** More of it may come. */
  readonly open: boolean;
  readonly delivery: Delivery;
  /** Wall time in milliseconds. */
  readonly at: number;
}

export type Conversation = readonly Message[];

export type ConversationEvent =
  | { type: "opened"; id: string; from: Speaker; how: "spoken" | "typed"; at: number }
  | { type: "piece"; id: string; text: string }
  | { type: "replaced"; id: string; text: string }
  | { type: "closed"; id: string }
  | { type: "typed"; id: string; text: string; delivery: Delivery; at: number }
  | { type: "delivery"; id: string; delivery: Delivery }
  | { type: "all-closed" };

/** Messages kept; the oldest leave. Hours of talk are a few thousand. */
export const LIMIT = 2000;

export function converse(all: Conversation, event: ConversationEvent): Conversation {
  switch (event.type) {
    case "opened": {
      if (all.some((message) => message.id === event.id)) return all;
      const { id, from, how, at } = event;
      return append(all, { id, from, how, at, text: "", cut: "", open: true, delivery: "done" });
    }
    case "piece":
      return change(all, event.id, (old) => ({ ...old, text: old.text + event.text }));
    case "replaced":
      return change(all, event.id, (old) => replaced(old, event.text));
    case "closed":
      return change(all, event.id, (old) => ({ ...old, open: false }));
    case "typed": {
      const { id, text, delivery, at } = event;
      const message = { id, text, delivery, at, cut: "", open: false } as const;
      return append(all, { ...message, from: "you", how: "typed" });
    }
    case "delivery":
      return change(all, event.id, (old) => ({ ...old, delivery: event.delivery }));
    case "all-closed":
      return all.map((old) => (old.open ? { ...old, open: false } : old));
  }
}

function append(all: Conversation, message: Message): Conversation {
  return [...all, message].slice(-LIMIT);
}

function change(all: Conversation, id: string, by: (old: Message) => Message): Conversation {
  const index = all.findLastIndex((message) => message.id === id);
  const old = all[index];
  return old === undefined ? all : all.with(index, by(old));
}

function replaced(old: Message, text: string): Message {
  const shortened = old.from === "them" && text.length < old.text.length && old.text.startsWith(text);
  return { ...old, text, cut: shortened ? old.text.slice(text.length) : "" };
}

/** Messages worth a line: a stream that has brought nothing yet is not. */
export function visible(all: Conversation): Conversation {
  return all.filter((message) => message.text.trim() !== "" || message.cut !== "");
}

/** The persona's last words end in the middle of a sentence: it was interrupted, or is still talking. */
export function unfinished(all: Conversation): boolean {
  const last = all.findLast(({ from, how, text }) => from === "them" && how === "spoken" && text.trim() !== "");
  return last !== undefined && !/[.!?…]["”’)]*$/.test(last.text.trim());
}

/** How many written answers came after `seen`. What is spoken is heard, and needs no count. */
export function unread(all: Conversation, seen: number): number {
  const written = all.filter(({ from, how, text }) => from === "them" && how === "typed" && text !== "");
  return written.filter((message) => message.at > seen).length;
}

/** The whole conversation as text, for the clipboard. */
export function asText(all: Conversation, name: string, time: (at: number) => string): string {
  return visible(all)
    .map((message) => {
      const speaker = message.from === "them" ? name : words().you;
      return `${time(message.at)} ${speaker}: ${message.text.trim()}`;
    })
    .join("\n");
}
