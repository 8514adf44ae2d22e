/**
 * The caption on the picture: the last words of the conversation, cut into pages of two lines.
 * A page is filled and then replaced as a whole, so that no word moves once it stands. Pure.
 */
import type { Conversation, Message } from "./conversation";
import { plain } from "./plain";
import { words } from "../words";

export interface Caption {
  /** Of the message whose words these are. */
  readonly id: string;
  /** More of it may come. */
  readonly open: boolean;
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
  const last = all.findLast((message) => isSaid(message) && !isTypedByPerson(message));
  if (last === undefined) return null;
  const { id, from, open } = last;
  const page = lastPage(plain(last.text), perPage);
  if (from === "you") return { id, from, open, said: null, words: page, current: "" };
  const before = all.slice(0, all.indexOf(last)).findLast(isSaid);
  const said = before?.from === "you" ? ending(plain(before.text)) : null;
  const gap = open ? page.lastIndexOf(" ") + 1 : page.length;
  return { id, from, open, said, words: page.slice(0, gap), current: page.slice(gap) };
}

/** Whole sentences for a screen reader: only what is finished, never a word at a time. */
export function finishedLines(all: Conversation, name: string, limit: number): readonly string[] {
  return all
    .filter((message) => !message.open && isSaid(message))
    .slice(-limit)
    .map((message) => `${message.from === "them" ? name : words().you}: ${plain(message.text)}`);
}

function isSaid(message: Message): boolean {
  return plain(message.text) !== "";
}

function isTypedByPerson(message: Message): boolean {
  return message.from === "you" && message.how === "typed";
}

function ending(text: string): string {
  const clean = text.replace(/\s+/g, " ");
  return clean.length <= SAID_LIMIT ? clean : `…${clean.slice(-SAID_LIMIT)}`;
}
