/** The call: its controls, notices, chat and keys. */
import type { Action } from "../../call/keys";
import type { Badge, Level } from "../../call/state";

const badges: Record<Badge, (name: string) => string> = {
  uninitialised: () => "Not started",
  joining: (name) => `${name} is coming`,
  listening: () => "Listening to you",
  thinking: () => "Thinking",
  speaking: () => "Speaking",
  paused: () => "Waiting for you",
  "voice-only": () => "Voice only",
  "in-writing": () => "Answers in writing",
  reconnecting: () => "Reconnecting",
  error: () => "Not connected",
  ended: () => "Ended",
};

const levels: Record<Exclude<Level, "normal">, (name: string) => string> = {
  "other-face": (name) => `A simpler face stands in for ${name} just now.`,
  "other-voice": (name) => `Another voice speaks for ${name} just now. The usual one comes back by itself.`,
  "audio-only": () => "Picture paused to keep the voice smooth. It comes back by itself.",
  "text-only": (name) => `${name} has no voice just now and answers in writing. It comes back by itself.`,
  offline: (name) => `${name} has only prepared answers just now. The rest comes back by itself.`,
};

const actions: Record<Action, string> = {
  microphone: "Microphone on or off",
  camera: "Camera on or off",
  share: "Share your screen",
  captions: "Captions",
  chat: "Chat",
  hood: "Under the hood",
  fullScreen: "Full screen",
  devices: "Devices and volume",
  switch: "Change who you talk to",
  leave: "Leave the call",
  keys: "This list",
};

export const call = {
  label: (name: string) => `Call with ${name}`,
  video: (name: string) => `${name}, video`,
  anAi: (name: string) => `${name}, an AI`,
  still: (name: string) => `${name}, still picture`,
  time: "Call time",
  controls: "Call controls",
  more: "More",
  leave: "Leave",
  badges,
  levels,
  held: "Talking. Let go when you are done.",
  holdToTalk: "hold to talk",
  holdWhenMuted: "hold to talk when muted",
  allKeys: "All keys",
  mic: {
    asking: "Waiting for the microphone",
    on: "Turn microphone off",
    muted: "Turn microphone on",
    unused: "Use the microphone",
    refused: "Microphone blocked. Try again",
    missing: "No microphone found. Look again",
    busy: "Microphone in use. Try again",
    gone: "The microphone went away. Look again",
    insecure: "The microphone needs a secure page",
    talking: "Talking. Let go when you are done",
    hold: "Hold to talk",
    holdShort: "Hold",
  },
  camera: "Camera",
  share: "Share your screen",
  stopSharing: "Stop sharing",
  captions: "Captions",
  showCaptions: "Show captions",
  hideCaptions: "Hide captions",
  chatNew: (count: number) => `Chat, ${count} new`,
  smallWindow: "Small window",
  fullScreen: "Full screen",
  closeAvatar: (name: string) => `Close ${name} and go on in writing`,
  textOnly: "Text only",
  bothWrite: (name: string) => `${name}’s face and voice are off. You both write.`,
  textDropped: "The connection dropped. What you write goes out when you are back.",
  show: (name: string) => `Show ${name}`,
  captionLog: "Captions, whole sentences",
};

export const quality = {
  good: "Good",
  fair: "Fair",
  weak: "Weak",
  lost: "No connection",
  unknown: "Connection not measured yet",
  connection: "connection",
  figures: "Figures of the connection",
  roundTrip: "Round trip",
  lossRate: "Lost",
  jitter: "Jitter",
  comingIn: "Coming in",
  path: "Path",
  notKnown: "not known",
};

export const notice = {
  soundOff: (name: string) => `${name} is speaking, but the sound is off`,
  soundOffMore: "This browser waits for a press before it plays sound.",
  turnSoundOn: "Turn sound on",
  back: (name: string) => `Getting you back to ${name}`,
  dropped: (ago: string) => `The connection dropped ${ago}. Your place is kept.`,
  goesOut: (count: number) => `${count} ${count === 1 ? "message goes" : "messages go"} out when you are back.`,
  waitingForNetwork: "Waiting for the network",
  tryNow: "Try now",
  chooseAnother: "Choose another",
  lookAgain: "Look again",
  typeInstead: "Type instead",
  cameraOff: "Your camera stays off",
  cameraMore: (name: string) => `${name} works without it.`,
  goOnWithout: "Go on without",
  edit: (name: string) => `The last edit of ${name} cannot be used`,
  editMore: "The call goes on with the one before.",
  weak: "Your connection is weak. The picture may be smaller for now.",
  ago: (seconds: number) => (seconds === 1 ? "1 second ago" : `${seconds} seconds ago`),
};

export const chat = {
  title: "Chat",
  close: "Close chat",
  copyAll: "Copy the conversation",
  copyOne: "Copy this message",
  conversation: "Conversation",
  empty: "What you both say and write appears here.",
  writeTo: (name: string) => `Write to ${name}`,
  send: "Send",
  waits: (name: string) => `Goes out when ${name} is there`,
  notSent: "Not sent.",
  spoken: "spoken",
  typed: "typed",
};

export const keys = {
  title: "Keys",
  space: "Space",
  holdSpace: "Hold to talk while muted",
  escape: "Close the panel. While holding Space: take it back",
  letters: "Single letters",
  lettersMore: "Turn off if your voice control types letters.",
  actions,
};

export const switching = {
  title: "Change who you talk to",
  open: "Change persona",
  lead: "The call goes on; only the face and the voice change.",
  ownFaces: "Your faces",
  wears: (speaker: string) => `${speaker} speaks with it`,
  coming: (name: string) => `${name} is coming`,
  failed: "The change did not work. Try again.",
  unknown: "The agent of this call cannot change its face.",
  loading: "Looking who is there.",
};
