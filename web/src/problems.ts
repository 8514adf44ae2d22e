/**
 * What can go wrong, and the sentence for it: first what happened, then what to do.
 * The sentences are in words/; `name` is the persona's, "Clara" in design.md.
 */
import { fromServer, words, type Said, type Sentence } from "./words";

export type { Sentence };

export type MicProblem = "refused" | "missing" | "busy" | "gone" | "insecure";

export type FailureKind =
  | "server-away"
  | "refused"
  | "network-blocked"
  | "agent-missing"
  | "full"
  | "gave-up";

export interface Failure {
  readonly kind: FailureKind;
  /** What the gateway said, when it said something. */
  readonly said?: Said;
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
  return words().failure.microphone[problem](name, host);
}

/** What the button that tries the microphone again says. */
export function micAction(problem: MicProblem): string | null {
  if (problem === "insecure") return null;
  return problem === "missing" || problem === "gone" ? words().notice.lookAgain : words().tryAgain;
}

export function failureSentence({ kind, said }: Failure, name: string): Sentence {
  const { title, text } = words().failure.sentences[kind](name);
  if (said === undefined || (kind !== "server-away" && kind !== "refused")) return { title, text };
  return { title, text: beyond(`${title}.`, fromServer(said)) };
}

/** The server's sentence without the part the title already says. */
function beyond(title: string, detail: string): string {
  return detail.startsWith(title) ? detail.slice(title.length).trim() : detail;
}

export type Ending = "left" | "ended" | "moved";

export function endingSentence(ending: Ending, name: string): Sentence {
  return words().end[ending](name);
}

export type PhotoProblem =
  | { readonly kind: "type" | "size" | "several" | "lost" | "away" }
  /** The server looked at it and said no, in its own words. */
  | ({ readonly kind: "refused" } & Said);

export function photoSentence(problem: PhotoProblem): Sentence {
  const { title, text } = words().photo.problems[problem.kind];
  return { title, text: problem.kind === "refused" ? fromServer(problem) : text };
}
