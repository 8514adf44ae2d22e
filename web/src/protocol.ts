/**
 * The words this page and the agent share: LiveKit's topics and attributes, and our own.
 * Names only; what they mean for the screen is decided in call/state.ts and call/conversation.ts.
 */

export const TOPIC_CHAT = "lk.chat";
export const TOPIC_TRANSCRIPTION = "lk.transcription";

export const ATTRIBUTE_AGENT_STATE = "lk.agent.state";
/** On a participant that sends picture and sound for another one: the identity of that other one. */
export const ATTRIBUTE_ON_BEHALF = "lk.publish_on_behalf";
export const ATTRIBUTE_SEGMENT = "lk.segment_id";
export const ATTRIBUTE_FINAL = "lk.transcription_final";
export const ATTRIBUTE_TRACK = "lk.transcribed_track_id";
/** Of the agent: how one takes the floor; with "push-to-talk" it hears only while METHOD_TALK says so. */
export const ATTRIBUTE_INTERRUPT = "visavis.interrupt";
/** Of the person: who is wanted. Of the agent: who it is, and whose face it wears. */
export const ATTRIBUTE_PERSONA = "visavis.persona";
export const ATTRIBUTE_PORTRAIT = "visavis.portrait";
/** Of the agent: the sentence that says what it is. */
export const ATTRIBUTE_DISCLOSURE = "visavis.disclosure";
/** Of the agent: what it does without just now, one of LEVELS. */
export const ATTRIBUTE_LEVEL = "visavis.level";

/** Of the agent: why the last edit of its files cannot be used; "" when it can. */
export const ATTRIBUTE_PROBLEM = "visavis.problem";

/** RPC "start", "stop" (answer what was said), "cancel" (forget it). */
export const METHOD_TALK = "visavis.talk";
/** RPC {"open": false}: answer in writing, make no voice. An agent that does not know it speaks on, unheard. */
export const METHOD_AVATAR = "visavis.avatar";
/** RPC {"persona", "portrait"}: become somebody else, on the same tracks. */
export const METHOD_SWITCH = "visavis.switch";

export function isPushToTalk(attributes: Readonly<Record<string, string>>): boolean {
  return attributes[ATTRIBUTE_INTERRUPT] === "push-to-talk";
}

/** From best to worst. An agent that says none has all it needs. */
export const LEVELS = ["normal", "other-face", "other-voice", "audio-only", "text-only", "offline"] as const;
export type Level = (typeof LEVELS)[number];

export function level(attributes: Readonly<Record<string, string>>): Level {
  return LEVELS.find((one) => one === attributes[ATTRIBUTE_LEVEL]) ?? "normal";
}

export const AGENT_STATES = ["initializing", "idle", "listening", "thinking", "speaking"] as const;
export type AgentState = (typeof AGENT_STATES)[number];

/** The state in a participant's attributes. An agent that says none is still getting ready. */
export function agentState(attributes: Readonly<Record<string, string>>): AgentState {
  const said = attributes[ATTRIBUTE_AGENT_STATE];
  return AGENT_STATES.find((state) => state === said) ?? "initializing";
}

/** performance.mark names; tests read them to measure a call's start. */
export const MARK = {
  canStart: "visavis:can-start",
  start: "visavis:start",
  connected: "visavis:connected",
  agentJoined: "visavis:agent-joined",
  videoTrack: "visavis:video-track",
  firstVideoFrame: "visavis:first-video-frame",
  firstAudio: "visavis:first-audio",
} as const;
