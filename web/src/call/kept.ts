/**
 * A call that outlives its page: a reload finds its room, its place in it and what was said. Kept in this
 * window's own storage, so that closing the window forgets it, and only for as long as the room waits.
 */
import type { Persona } from "../api";
import type { Conversation } from "./conversation";

export interface KeptCall {
  readonly persona: Persona;
  readonly room: string;
  readonly identity: string;
  readonly talk: Conversation;
  readonly liveSince: number | null;
  readonly textOnly: boolean;
  /** null: the person did without. */
  readonly microphone: "on" | "muted" | null;
  /** When the page went away; wall time. */
  readonly at: number;
}

const KEPT_AS = "visavis.call";
/** The agent waits about as long for a person who went away. */
export const KEPT_FOR_MS = 60_000;

export function keepCall(call: KeptCall): void {
  try {
    sessionStorage.setItem(KEPT_AS, JSON.stringify(call));
  } catch {
    // storage is blocked or full: a reload begins anew
  }
}

export function forgetCall(): void {
  try {
    sessionStorage.removeItem(KEPT_AS);
  } catch {
    // storage is blocked: nothing was kept
  }
}

export function keptCall(now: number): KeptCall | null {
  try {
    return parseKept(sessionStorage.getItem(KEPT_AS), now);
  } catch {
    return null;
  }
}

/** What was kept, unless it is too old or not what we keep. What was being said then is over. */
export function parseKept(kept: string | null, now: number): KeptCall | null {
  if (kept === null) return null;
  try {
    const read = JSON.parse(kept) as Partial<KeptCall> | null;
    if (typeof read?.room !== "string" || typeof read.identity !== "string" || typeof read.at !== "number") return null;
    if (!Array.isArray(read.talk) || typeof read.persona?.id !== "string" || now - read.at > KEPT_FOR_MS) return null;
    const call = read as KeptCall;
    return { ...call, talk: call.talk.map((message) => ({ ...message, open: false })) };
  } catch {
    return null;
  }
}
