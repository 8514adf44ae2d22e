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
export const ATTRIBUTE_PERSONA = "visavis.persona";

export const AGENT_STATES = ["initializing", "idle", "listening", "thinking", "speaking"] as const;
export type AgentState = (typeof AGENT_STATES)[number];

/** The state in a participant's attributes. An agent that says none is still getting ready. */
export function agentState(attributes: Readonly<Record<string, string>>): AgentState {
  const said = attributes[ATTRIBUTE_AGENT_STATE];
  return AGENT_STATES.find((state) => state === said) ?? "initializing";
}

/** performance.mark names; tests read them to measure a call's start. */
export const MARK = {
  start: "visavis:start",
  connected: "visavis:connected",
  agentJoined: "visavis:agent-joined",
  videoTrack: "visavis:video-track",
  firstVideoFrame: "visavis:first-video-frame",
  firstAudio: "visavis:first-audio",
} as const;
