/**
 * What happened in the call, for the panel under the hood: a bounded list of events, and how long each
 * turn took, by stage. Pure: marks come in with page time in milliseconds.
 *
 * A turn is measured from where the person feels it: the end of their own voice (or the press of Send)
 * to the first sound of the answer in this browser. The network is part of every stage.
 */

export interface TraceEvent {
  readonly at: number;
  readonly what: string;
  readonly detail: string;
}

export interface Turn {
  readonly at: number;
  readonly how: "spoken" | "typed";
  /** Until the agent knew that the person was done. */
  readonly hearingMs: number;
  /** Until it had something to say. */
  readonly thinkingMs: number;
  /** Until that was heard here. */
  readonly soundMs: number;
  readonly totalMs: number;
}

export interface Trace {
  readonly events: readonly TraceEvent[];
  readonly turns: readonly Turn[];
  /** The last times that the person's voice ended or a message went out, not yet answered. */
  readonly asked: { readonly at: number; readonly how: "spoken" | "typed" } | null;
  readonly thinkingAt: number | null;
  readonly speakingAt: number | null;
  readonly audible: boolean;
  /** When the person began to talk over the voice. */
  readonly bargedAt: number | null;
  /** From that to silence, the last time it happened. */
  readonly bargeMs: number | null;
}

export type Mark =
  | { type: "voice-began"; at: number }
  | { type: "voice-ended"; at: number }
  | { type: "sent"; at: number }
  | { type: "agent"; state: "listening" | "thinking" | "speaking"; at: number }
  | { type: "sound-began"; at: number }
  | { type: "sound-ended"; at: number; unfinished: boolean }
  | { type: "note"; what: string; detail?: string; at: number };

export const EMPTY_TRACE: Trace = {
  events: [],
  turns: [],
  asked: null,
  thinkingAt: null,
  speakingAt: null,
  audible: false,
  bargedAt: null,
  bargeMs: null,
};

export const EVENTS_KEPT = 300;
export const TURNS_KEPT = 200;
/** An answer that took longer answers something else. */
const STALE_MS = 30_000;

export function trace(before: Trace, mark: Mark): Trace {
  switch (mark.type) {
    case "voice-began":
      return { ...before, bargedAt: before.audible ? mark.at : null };
    case "voice-ended":
      return note({ ...before, asked: { at: mark.at, how: "spoken" }, thinkingAt: null, speakingAt: null }, mark.at, "you stopped talking");
    case "sent":
      // a message stops the voice too: then it was not the person's voice that did
      return note(
        { ...before, asked: { at: mark.at, how: "typed" }, thinkingAt: null, speakingAt: null, bargedAt: null },
        mark.at,
        "message sent",
      );
    case "agent":
      return agent(before, mark.state, mark.at);
    case "sound-began":
      return answered({ ...before, audible: true }, mark.at);
    case "sound-ended":
      return silent({ ...before, audible: false }, mark.at, mark.unfinished);
    case "note":
      return note(before, mark.at, mark.what, mark.detail);
  }
}

/** The middle and the slow end of all kept turns; null while there are none. */
export function percentile(turns: readonly Turn[], share: number): number | null {
  const sorted = turns.map(({ totalMs }) => totalMs).sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}

function agent(before: Trace, state: "listening" | "thinking" | "speaking", at: number): Trace {
  const told = note(before, at, { listening: "agent listens", thinking: "agent thinks", speaking: "agent speaks" }[state]);
  if (before.asked === null) return told;
  if (state === "thinking") return { ...told, thinkingAt: before.thinkingAt ?? at };
  if (state === "speaking") return { ...told, speakingAt: before.speakingAt ?? at };
  return told;
}

function answered(before: Trace, at: number): Trace {
  const { asked, thinkingAt, speakingAt } = before;
  const begun = thinkingAt ?? speakingAt;
  // sound while nobody has begun to answer is what was being said before
  if (asked === null || begun === null || at - asked.at > STALE_MS) return note(before, at, "voice heard");
  const speaking = speakingAt ?? at;
  const turn: Turn = {
    at,
    how: asked.how,
    hearingMs: begun - asked.at,
    thinkingMs: Math.max(0, speaking - begun),
    soundMs: Math.max(0, at - Math.max(speaking, begun)),
    totalMs: at - asked.at,
  };
  const turns = [...before.turns, turn].slice(-TURNS_KEPT);
  const done = { ...before, turns, asked: null, thinkingAt: null, speakingAt: null };
  return note(done, at, "answer heard", `${Math.round(turn.totalMs)} ms`);
}

function silent(before: Trace, at: number, unfinished: boolean): Trace {
  const { bargedAt } = before;
  // a voice that came to the end of its sentence was not stopped, whoever spoke meanwhile
  if (bargedAt === null || at <= bargedAt || !unfinished) return note({ ...before, bargedAt: null }, at, "voice ended");
  const bargeMs = at - bargedAt;
  return note({ ...before, bargedAt: null, bargeMs }, at, "stopped for you", `${Math.round(bargeMs)} ms`);
}

function note(before: Trace, at: number, what: string, detail = ""): Trace {
  return { ...before, events: [...before.events, { at, what, detail }].slice(-EVENTS_KEPT) };
}
