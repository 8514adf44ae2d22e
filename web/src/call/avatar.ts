/**
 * The avatar's state machine: seven states, derived from the whole call, so that none can be stale.
 * TRANSITIONS names every change that may happen; a change that it does not name is a mistake of ours.
 * Pure.
 *
 * "paused" is speech that is held back: by a browser that waits for a press, or because the persona
 * waits for a person who has gone quiet. "destroyed" is an avatar that was closed, by leaving or by
 * going on in writing.
 */
import type { CallState } from "./state";

export type AvatarState = "uninitialised" | "initialising" | "ready" | "playing" | "paused" | "error" | "destroyed";

export type AvatarTrigger =
  | "avatar opened"
  | "avatar ready"
  | "load failed"
  | "speech started"
  | "speech ended"
  | "speech held back"
  | "speech resumed"
  | "waits for you"
  | "you are back"
  | "agent went away"
  | "connection lost"
  | "trying again"
  | "connection back"
  | "avatar closed";

type Changes = Partial<Record<AvatarState, AvatarTrigger>>;

const BROKEN = { error: "connection lost", initialising: "agent went away", destroyed: "avatar closed" } as const;

export const TRANSITIONS: Readonly<Record<AvatarState, Changes>> = {
  uninitialised: { initialising: "avatar opened", destroyed: "avatar closed" },
  initialising: {
    ready: "avatar ready",
    playing: "speech started",
    paused: "waits for you",
    error: "load failed",
    destroyed: "avatar closed",
  },
  ready: { ...BROKEN, playing: "speech started", paused: "waits for you" },
  playing: { ...BROKEN, ready: "speech ended", paused: "speech held back" },
  paused: { ...BROKEN, playing: "speech resumed", ready: "you are back" },
  error: {
    initialising: "trying again",
    ready: "connection back",
    playing: "connection back",
    paused: "connection back",
    destroyed: "avatar closed",
  },
  destroyed: {
    initialising: "avatar opened",
    ready: "avatar opened",
    playing: "avatar opened",
    paused: "avatar opened",
    error: "connection lost",
  },
};

export function avatarOf(call: Omit<CallState, "avatar">): AvatarState {
  if (call.phase === "ended" || call.textOnly) return "destroyed";
  switch (call.phase) {
    case "uninitialised":
      return "uninitialised";
    case "joining":
      return "initialising";
    case "reconnecting":
    case "failed":
      return "error";
    case "live":
      break;
  }
  switch (call.agent) {
    case null:
    case "initializing":
      return "initialising";
    case "idle":
      return "paused";
    case "speaking":
      return call.sound === "blocked" ? "paused" : "playing";
    case "listening":
    case "thinking":
      return "ready";
  }
}
