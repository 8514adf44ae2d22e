/**
 * What can go wrong, and the sentence for it: first what happened, then what to do.
 * Every sentence of the page about a failure is here. `name` is the persona's, "Clara" in design.md.
 */

export type MicProblem = "refused" | "missing" | "busy" | "gone" | "insecure";

export type FailureKind =
  | "server-away"
  | "refused"
  | "network-blocked"
  | "agent-missing"
  | "gave-up";

export interface Failure {
  readonly kind: FailureKind;
  /** The gateway's own sentence, when it gave one. */
  readonly detail?: string;
}

export interface Sentence {
  readonly title: string;
  readonly text: string;
}

/** What getUserMedia's error means. Browsers differ in names, not in meaning. */
export function micProblem(error: unknown, secure: boolean): MicProblem {
  if (!secure) return "insecure";
  const name = error instanceof Error ? error.name : "";
  switch (name) {
    case "NotFoundError":
    case "DevicesNotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return "busy";
    default:
      return "refused";
  }
}

export function micSentence(problem: MicProblem, name: string, host: string): Sentence {
  switch (problem) {
    case "refused":
      return {
        title: `${name} can’t hear you`,
        text: "This browser blocks the microphone for this page. Allow it left of the address, or type.",
      };
    case "missing":
      return { title: "No microphone found", text: "Plug one in, or type." };
    case "busy":
      return {
        title: "The microphone is in use",
        text: "Another program is using the microphone. Close it and try again.",
      };
    case "gone":
      return {
        title: "The microphone went away",
        text: "Plug it in again or choose another. You can type until then.",
      };
    case "insecure":
      return {
        title: "The microphone needs a secure page",
        text: `Open https://${host}, or open this page on the computer that runs Visavis.`,
      };
  }
}

/** What the button that tries the microphone again says. */
export function micAction(problem: MicProblem): string | null {
  if (problem === "insecure") return null;
  return problem === "missing" || problem === "gone" ? "Look again" : "Try again";
}

export function failureSentence(failure: Failure, name: string): Sentence {
  switch (failure.kind) {
    case "server-away":
      return {
        title: "The server does not answer",
        text: beyond("The server does not answer.", failure.detail) ?? "Check that it runs, then try again.",
      };
    case "refused":
      return {
        title: "The call did not start",
        text: failure.detail ?? "The server refused it. Load this page again, then try once more.",
      };
    case "network-blocked":
      return {
        title: "The call can’t get through",
        text: "This network blocks the ways a call can travel. Try another network, then check again.",
      };
    case "agent-missing":
      return {
        title: `${name} did not come`,
        text: "The server is up, but no agent took the call.",
      };
    case "gave-up":
      return {
        title: "The connection is gone",
        text: "What you said is kept on this page.",
      };
  }
}

/** The server's sentence without the part the title already says. */
function beyond(title: string, detail: string | undefined): string | undefined {
  return detail?.startsWith(title) === true ? detail.slice(title.length).trim() : detail;
}

export type Ending = "left" | "ended" | "moved";

export function endingSentence(ending: Ending, name: string): Sentence {
  switch (ending) {
    case "left":
      return { title: "You left the call", text: `${name} is here when you want to talk again.` };
    case "ended":
      return { title: "The call is over", text: `${name} ended the call.` };
    case "moved":
      return { title: "The call goes on in another window", text: "It was opened there as well." };
  }
}
