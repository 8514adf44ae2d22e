/**
 * The state of a call: one pure reducer from what LiveKit and the microphone report to what is shown.
 * Nothing here knows the DOM, a clock or a network; times arrive with the events, in milliseconds.
 *
 * The surprising part: "live" means the agent is in the room. Being connected to the server is not
 * yet a call, and a call whose agent went away is waiting for it again.
 */
import type { Ending, Failure, MicProblem } from "../problems";
import type { AgentState, Level } from "../protocol";
import { avatarOf, type AvatarState } from "./avatar";
import { words } from "../words";

export type { Level };
export type Phase = "uninitialised" | "joining" | "live" | "reconnecting" | "ended" | "failed";
export type Picture = "none" | "on" | "paused";
export type Sound = "none" | "on" | "blocked";
export type MicStatus = "asking" | "on" | "muted" | "unused" | MicProblem;
/** A camera or a screen that is sent. */
export type PictureStatus = "off" | "asking" | "on" | MicProblem;
export type Quality = "unknown" | "good" | "fair" | "weak" | "lost";

export interface CallState {
  /** The seven states of avatar.ts, derived from all the rest. */
  readonly avatar: AvatarState;
  readonly phase: Phase;
  /** null: there is no agent in the room. */
  readonly agent: AgentState | null;
  readonly picture: Picture;
  /** The picture should have come by now; before that its absence is not worth a word. */
  readonly pictureOverdue: boolean;
  readonly sound: Sound;
  readonly mic: MicStatus;
  readonly micNoticeClosed: boolean;
  readonly camera: PictureStatus;
  readonly cameraNoticeClosed: boolean;
  readonly screen: PictureStatus;
  /** Counts devices swapped under a track that stayed, so that meters follow. */
  readonly swaps: number;
  /** The agent hears only while the person holds the key. */
  readonly pushToTalk: boolean;
  /** The key is held now. */
  readonly held: boolean;
  /** The avatar is closed: the person reads and writes. */
  readonly textOnly: boolean;
  /** What the agent does without just now. */
  readonly level: Level;
  /** Levels whose notice has been up long enough to be read: once a call is enough. */
  readonly levelsRead: readonly Level[];
  /** The agent's own sentence about what it is; null: it says none. */
  readonly disclosure: string | null;
  /** Why the last edit of the persona's files cannot be used; "" when it can. */
  readonly problem: string;
  /** The problem whose notice was closed. */
  readonly problemClosed: string;
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
  /** When a call that is taken up again had begun. */
  | { type: "began"; at: number }
  | { type: "agent-joined"; state: AgentState; at: number }
  | { type: "agent-state"; state: AgentState }
  | { type: "agent-left" }
  | { type: "picture"; picture: Picture }
  | { type: "picture-overdue" }
  | { type: "sound"; sound: Sound }
  | { type: "mic"; mic: MicStatus }
  | { type: "mic-notice-closed" }
  | { type: "camera"; camera: PictureStatus }
  | { type: "camera-notice-closed" }
  | { type: "screen"; screen: PictureStatus }
  | { type: "swapped" }
  | { type: "policy"; pushToTalk: boolean }
  | { type: "told"; level: Level; disclosure: string | null; problem: string }
  | { type: "level-read"; level: Level }
  | { type: "problem-closed" }
  | { type: "held"; held: boolean }
  | { type: "text-only"; textOnly: boolean }
  | { type: "quality"; quality: Quality }
  | { type: "dropped"; at: number }
  | { type: "resumed" }
  | { type: "line-lost" }
  | { type: "failed"; failure: Failure }
  | { type: "ended"; ending: Ending; at: number };

export const INITIAL: CallState = {
  avatar: "uninitialised",
  phase: "uninitialised",
  agent: null,
  picture: "none",
  pictureOverdue: false,
  sound: "none",
  mic: "unused",
  micNoticeClosed: false,
  camera: "off",
  cameraNoticeClosed: false,
  screen: "off",
  swaps: 0,
  pushToTalk: false,
  held: false,
  textOnly: false,
  level: "normal",
  levelsRead: [],
  disclosure: null,
  problem: "",
  problemClosed: "",
  quality: "unknown",
  liveSince: null,
  droppedAt: null,
  failure: null,
  ending: null,
  endedAt: null,
};

const NO_MEDIA = { agent: null, picture: "none", pictureOverdue: false, sound: "none" } as const;

export function reduce(state: CallState, event: CallEvent): CallState {
  const next = changed(state, event);
  const avatar = avatarOf(next);
  return avatar === next.avatar ? next : { ...next, avatar };
}

function changed(state: CallState, event: CallEvent): CallState {
  // an ended call stays ended: events of a room that is closing arrive late
  if (state.phase === "ended" && event.type !== "start") return state;
  switch (event.type) {
    case "start":
      // what the person sends is kept: it outlives a failed try
      return { ...INITIAL, ...kept(state), phase: "joining" };
    case "began":
      return { ...state, liveSince: event.at };
    case "agent-joined":
      return {
        ...state,
        phase: "live",
        agent: event.state,
        failure: null,
        quality: state.quality === "lost" ? "unknown" : state.quality,
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
    case "camera":
      return { ...state, camera: event.camera, cameraNoticeClosed: false };
    case "camera-notice-closed":
      return { ...state, cameraNoticeClosed: true };
    case "screen":
      return { ...state, screen: event.screen };
    case "swapped":
      return { ...state, swaps: state.swaps + 1 };
    case "policy":
      return state.pushToTalk === event.pushToTalk ? state : { ...state, pushToTalk: event.pushToTalk };
    case "told": {
      const { level, disclosure, problem } = event;
      const same = state.level === level && state.disclosure === disclosure && state.problem === problem;
      return same ? state : { ...state, level, disclosure, problem };
    }
    case "level-read":
      return { ...state, levelsRead: [...state.levelsRead, event.level] };
    case "problem-closed":
      return { ...state, problemClosed: state.problem };
    case "held":
      return state.held === event.held ? state : { ...state, held: event.held };
    case "text-only":
      return state.textOnly === event.textOnly ? state : { ...state, textOnly: event.textOnly };
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

function kept({ avatar, mic, camera, screen, textOnly, liveSince }: CallState) {
  return { avatar, mic, camera, screen, textOnly, liveSince };
}

export type Badge =
  | "uninitialised"
  | "joining"
  | "listening"
  | "thinking"
  | "speaking"
  | "paused"
  | "voice-only"
  | "in-writing"
  | "reconnecting"
  | "error"
  | "ended";

/** The picture is missing although there is sound: the call has become a voice call. */
export function voiceOnly(state: CallState): boolean {
  if (state.phase !== "live" || state.sound === "none") return false;
  if (state.level === "audio-only") return true;
  if (state.picture === "on") return false;
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
  if (state.level === "text-only") return "in-writing";
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
  return words().call.badges[shown](name);
}

const MIC_PROBLEMS: readonly (MicStatus | PictureStatus)[] = ["refused", "missing", "busy", "gone", "insecure"];

export function isMicProblem(mic: MicStatus | PictureStatus): mic is MicProblem {
  return MIC_PROBLEMS.includes(mic);
}

/** Who stands in is worth a word, not a lasting one: all else is as ever, perhaps for the whole call. */
export function isPassing(level: Level): boolean {
  return level === "other-face" || level === "other-voice";
}

export type Notice =
  | { kind: "sound-blocked" }
  | { kind: "reconnecting"; droppedAt: number }
  | { kind: "mic"; problem: MicProblem }
  | { kind: "camera"; problem: MicProblem }
  | { kind: "level"; level: Exclude<Level, "normal"> }
  | { kind: "weak" }
  | { kind: "edit"; problem: string };

/** The one notice to show, the most important first; null when all is well. */
export function notice(state: CallState): Notice | null {
  if (state.phase === "live" && state.sound === "blocked") return { kind: "sound-blocked" };
  if (state.phase === "reconnecting") {
    return { kind: "reconnecting", droppedAt: state.droppedAt ?? 0 };
  }
  if (isMicProblem(state.mic) && !state.micNoticeClosed) return { kind: "mic", problem: state.mic };
  if (isMicProblem(state.camera) && !state.cameraNoticeClosed) return { kind: "camera", problem: state.camera };
  if (voiceOnly(state)) return { kind: "level", level: "audio-only" };
  if (state.phase === "live" && state.level !== "normal" && !state.levelsRead.includes(state.level)) {
    return { kind: "level", level: state.level };
  }
  if (state.phase === "live" && state.quality === "weak") return { kind: "weak" };
  const { problem, problemClosed } = state;
  if (state.phase === "live" && problem !== "" && problem !== problemClosed) return { kind: "edit", problem };
  return null;
}
