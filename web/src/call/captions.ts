/**
 * The caption on the picture: the last words of the conversation, cut into pages of two lines.
 * A page is filled and then replaced as a whole, so that no word moves once it stands. Pure.
 */
import type { Conversation, Message } from "./conversation";
import { words } from "../words";

export interface Caption {
  /** What the person said last, when it belongs above the answer. */
  readonly said: string | null;
  readonly from: "them" | "you";
  readonly words: string;
  /** The word being said now, or "" between and after sentences. */
  readonly current: string;
}

/** How long a finished caption stays. */
export const STAYS_MS = 5000;
const SAID_LIMIT = 90;

/** The page of `text` that holds its last word; pages are filled greedily with whole words. */
export function lastPage(text: string, perPage: number): string {
  const words = text.trim().split(/\s+/);
  let page = "";
  for (const word of words) {
    const full = page !== "" && page.length + 1 + word.length > perPage;
    // a new sentence starts a new page when little room is left: it would be torn apart
    const torn = /[.!?…]["”’)]*$/.test(page) && page.length > perPage * 0.6;
    page = page === "" || full || torn ? word : `${page} ${word}`;
  }
  return page;
}

export function caption(all: Conversation, perPage: number): Caption | null {
  const spoken = all.filter((message) => message.text.trim() !== "" && !isTypedByPerson(message));
  const last = spoken.at(-1);
  if (last === undefined) return null;
  if (last.from === "you") {
    return { said: null, from: "you", words: lastPage(last.text, perPage), current: "" };
  }
  const before = all.slice(0, all.indexOf(last)).findLast((message) => message.text.trim() !== "");
  const said = before?.from === "you" ? ending(before.text) : null;
  const page = lastPage(last.text, perPage);
  if (!last.open) return { said, from: "them", words: page, current: "" };
  const gap = page.lastIndexOf(" ");
  return {
    said,
    from: "them",
    words: page.slice(0, gap + 1),
    current: page.slice(gap + 1),
  };
}

/** Whole sentences for a screen reader: only what is finished, never a word at a time. */
export function finishedLines(all: Conversation, name: string, limit: number): readonly string[] {
  return all
    .filter((message) => !message.open && message.text.trim() !== "")
    .slice(-limit)
    .map((message) => `${message.from === "them" ? name : words().you}: ${message.text.trim()}`);
}

function isTypedByPerson(message: Message): boolean {
  return message.from === "you" && message.how === "typed";
}

function ending(text: string): string {
  const clean = text.trim();
  return clean.length <= SAID_LIMIT ? clean : `…${clean.slice(-SAID_LIMIT)}`;
}
