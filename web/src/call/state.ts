/**
 * The state of a call: one pure reducer from what LiveKit and the microphone report to what is shown.
 * Nothing here knows the DOM, a clock or a network; times arrive with the events, in milliseconds.
 *
 * The surprising part: "live" means the agent is in the room. Being connected to the server is not
 * yet a call, and a call whose agent went away is waiting for it again.
 */
import type { Ending, Failure, MicProblem } from "../problems";
import type { AgentState } from "../protocol";

export type Phase = "uninitialised" | "joining" | "live" | "reconnecting" | "ended" | "failed";
export type Picture = "none" | "on" | "paused";
export type Sound = "none" | "on" | "blocked";
export type MicStatus = "asking" | "on" | "muted" | "unused" | MicProblem;
export type Quality = "unknown" | "good" | "fair" | "weak" | "lost";

export interface CallState {
  readonly phase: Phase;
  /** null: there is no agent in the room. */
  readonly agent: AgentState | null;
  readonly picture: Picture;
  /** The picture should have come by now; before that its absence is not worth a word. */
  readonly pictureOverdue: boolean;
  readonly sound: Sound;
  readonly mic: MicStatus;
  readonly micNoticeClosed: boolean;
  readonly quality: Quality;
  /** When the agent first came, for the call time. */
  readonly liveSince: number | null;
  readonly droppedAt: number | null;
  readonly failure: Failure | null;
  readonly ending: Ending | null;
  readonly endedAt: number | null;
}

export type CallEvent =
  | { type: "start" }
  | { type: "agent-joined"; state: AgentState; at: number }
  | { type: "agent-state"; state: AgentState }
  | { type: "agent-left" }
  | { type: "picture"; picture: Picture }
  | { type: "picture-overdue" }
  | { type: "sound"; sound: Sound }
  | { type: "mic"; mic: MicStatus }
  | { type: "mic-notice-closed" }
  | { type: "quality"; quality: Quality }
  | { type: "dropped"; at: number }
  | { type: "resumed" }
  | { type: "line-lost" }
  | { type: "failed"; failure: Failure }
  | { type: "ended"; ending: Ending; at: number };

export const INITIAL: CallState = {
  phase: "uninitialised",
  agent: null,
  picture: "none",
  pictureOverdue: false,
  sound: "none",
  mic: "unused",
  micNoticeClosed: false,
  quality: "unknown",
  liveSince: null,
  droppedAt: null,
  failure: null,
  ending: null,
  endedAt: null,
};

const NO_MEDIA = { agent: null, picture: "none", pictureOverdue: false, sound: "none" } as const;

export function reduce(state: CallState, event: CallEvent): CallState {
  // an ended call stays ended: events of a room that is closing arrive late
  if (state.phase === "ended" && event.type !== "start") return state;
  switch (event.type) {
    case "start":
      // the microphone is kept: it outlives a failed try
      return { ...INITIAL, phase: "joining", mic: state.mic, liveSince: state.liveSince };
    case "agent-joined":
      return {
        ...state,
        phase: "live",
        agent: event.state,
        failure: null,
        droppedAt: null,
        liveSince: state.liveSince ?? event.at,
      };
    case "agent-state":
      return state.agent === null ? state : { ...state, agent: event.state };
    case "agent-left":
      return {
        ...state,
        ...NO_MEDIA,
        phase: state.phase === "live" ? "joining" : state.phase,
      };
    case "picture":
      return { ...state, picture: event.picture };
    case "picture-overdue":
      return { ...state, pictureOverdue: true };
    case "sound":
      return { ...state, sound: event.sound };
    case "mic":
      return state.mic === event.mic
        ? state
        : { ...state, mic: event.mic, micNoticeClosed: false };
    case "mic-notice-closed":
      return { ...state, micNoticeClosed: true };
    case "quality":
      return state.quality === event.quality ? state : { ...state, quality: event.quality };
    case "dropped":
      return {
        ...state,
        phase: "reconnecting",
        quality: "lost",
        droppedAt: state.droppedAt ?? event.at,
      };
    case "line-lost":
      // nothing heals by itself now; the next connection announces the agent and its tracks anew
      return { ...state, ...NO_MEDIA, phase: "reconnecting" };
    case "resumed":
      return {
        ...state,
        phase: state.agent === null ? "joining" : "live",
        quality: "unknown",
        droppedAt: null,
      };
    case "failed":
      return { ...state, phase: "failed", failure: event.failure };
    case "ended":
      return { ...state, ...NO_MEDIA, phase: "ended", ending: event.ending, endedAt: event.at };
  }
}

export type Badge =
  | "uninitialised"
  | "joining"
  | "listening"
  | "thinking"
  | "speaking"
  | "paused"
  | "voice-only"
  | "reconnecting"
  | "error"
  | "ended";

/** The picture is missing although there is sound: the call has become a voice call. */
export function voiceOnly(state: CallState): boolean {
  if (state.phase !== "live" || state.sound === "none" || state.picture === "on") return false;
  return state.picture === "paused" || state.pictureOverdue;
}

export function badge(state: CallState): Badge {
  switch (state.phase) {
    case "uninitialised":
    case "joining":
    case "reconnecting":
    case "ended":
      return state.phase;
    case "failed":
      return "error";
    case "live":
      break;
  }
  if (voiceOnly(state)) return "voice-only";
  switch (state.agent) {
    case null:
    case "initializing":
      return "joining";
    case "idle":
      return "paused";
    default:
      return state.agent;
  }
}

export function badgeWord(shown: Badge, name: string): string {
  switch (shown) {
    case "uninitialised":
      return "Not started";
    case "joining":
      return `${name} is coming`;
    case "listening":
      return "Listening to you";
    case "thinking":
      return "Thinking";
    case "speaking":
      return "Speaking";
    case "paused":
      return "Waiting for you";
    case "voice-only":
      return "Voice only";
    case "reconnecting":
      return "Reconnecting";
    case "error":
      return "Not connected";
    case "ended":
      return "Ended";
  }
}

const MIC_PROBLEMS: readonly MicStatus[] = ["refused", "missing", "busy", "gone", "insecure"];

export function isMicProblem(mic: MicStatus): mic is MicProblem {
  return MIC_PROBLEMS.includes(mic);
}

export type Notice =
  | { kind: "sound-blocked" }
  | { kind: "reconnecting"; droppedAt: number }
  | { kind: "mic"; problem: MicProblem }
  | { kind: "voice-only" }
  | { kind: "weak" };

/** The one notice to show, the most important first; null when all is well. */
export function notice(state: CallState): Notice | null {
  if (state.phase === "live" && state.sound === "blocked") return { kind: "sound-blocked" };
  if (state.phase === "reconnecting") {
    return { kind: "reconnecting", droppedAt: state.droppedAt ?? 0 };
  }
  if (isMicProblem(state.mic) && !state.micNoticeClosed) return { kind: "mic", problem: state.mic };
  if (voiceOnly(state)) return { kind: "voice-only" };
  if (state.phase === "live" && state.quality === "weak") return { kind: "weak" };
  return null;
}
