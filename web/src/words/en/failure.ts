/** What goes wrong, and how a call ends. */
import type { Failure, MicProblem } from "../../problems";
import type { Sentence } from "../sentence";

const microphone: Record<MicProblem, (name: string, host: string) => Sentence> = {
  refused: (name) => ({
    title: `${name} can’t hear you`,
    text: "This browser blocks the microphone for this page. Allow it left of the address, or type.",
  }),
  missing: () => ({ title: "No microphone found", text: "Plug one in, or type." }),
  busy: () => ({
    title: "The microphone is in use",
    text: "Another program is using the microphone. Close it and try again.",
  }),
  gone: () => ({
    title: "The microphone went away",
    text: "Plug it in again or choose another. You can type until then.",
  }),
  insecure: (_, host) => ({
    title: "The microphone needs a secure page",
    text: `Open https://${host}, or open this page on the computer that runs Visavis.`,
  }),
};

const failures: Record<Failure["kind"], (name: string) => Sentence> = {
  "server-away": () => ({ title: "The server does not answer", text: "Check that it runs, then try again." }),
  refused: () => ({ title: "The call did not start", text: "The server refused it. Load this page again, then try once more." }),
  "network-blocked": () => ({
    title: "The call can’t get through",
    text: "This network blocks the ways a call can travel. Try another network, then check again.",
  }),
  "agent-missing": (name) => ({ title: `${name} did not come`, text: "The server is up, but no agent took the call." }),
  full: (name) => ({ title: "All places are taken", text: `${name} comes as soon as a call ends.` }),
  "gave-up": () => ({ title: "The connection is gone", text: "What you said is kept on this page." }),
};

const steps: Record<Failure["kind"], readonly string[]> = {
  "server-away": ["Look whether Visavis still runs on its computer.", "Look whether this device is online.", "Then try again."],
  "gave-up": ["Look whether Visavis still runs on its computer.", "Look whether this device is online.", "Then try again."],
  full: ["Wait here: the call starts by itself.", "Whoever runs Visavis can allow more calls with VISAVIS_MAX_CALLS."],
  refused: ["Load this page again.", "Then try once more."],
  "network-blocked": ["Try another network, such as your phone’s hotspot.", "Ask for the call server’s TCP port to be opened.", "Then try again."],
  "agent-missing": ["Look at what the agent writes on its computer.", "It may still be starting: wait a moment.", "Then try again."],
};

const cameraAdvice: Record<MicProblem, string> = {
  refused: "To allow it, press the icon left of the address.",
  missing: "No camera was found. Plug one in, then press the camera again.",
  gone: "No camera was found. Plug one in, then press the camera again.",
  busy: "Another program is using the camera. Close it, then press the camera again.",
  insecure: "The camera needs a secure page (https).",
};

export const failure = {
  microphone,
  cameraAdvice,
  sentences: failures,
  steps,
  checks: "Checks",
  helps: "What helps",
  waitHere: "Wait here",
  waiting: "Waiting for a free place. The call starts by itself.",
  copyReport: "Copy report",
  absent: "Did not join the call within 10 seconds.",
  agent: "Agent",
};

export const end = {
  left: (name: string) => ({ title: "You left the call", text: `${name} is here when you want to talk again.` }),
  ended: (name: string) => ({ title: "The call is over", text: `${name} ended the call.` }),
  moved: () => ({ title: "The call goes on in another window", text: "It was opened there as well." }),
  lasted: (time: string, name: string) => `${time} with ${name}. `,
  again: "Call again",
  said: "What was said",
  kept: "Kept in this window only. It is gone when you close it.",
};
