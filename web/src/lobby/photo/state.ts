/**
 * A photo on its way to a face, as a pure reducer: what is known, what is shown.
 * Nothing here reads a file or asks the server; usePhoto.ts does, and tells what happened.
 */
import type { FaceCard, PhotoJob } from "../../portraits";
import type { PhotoProblem } from "../../problems";
import { photoStep, words, type Said } from "../../words";

/** The picked file and an address under which the page can show it. */
export interface Photo {
  readonly file: Blob;
  readonly url: string;
}

export type PhotoState =
  | { readonly phase: "choose"; readonly problem: PhotoProblem | null }
  | {
      readonly phase: "consent";
      readonly photo: Photo;
      readonly name: string;
      readonly ticked: boolean;
      readonly problem: PhotoProblem | null;
    }
  | {
      readonly phase: "making";
      readonly photo: Photo;
      readonly name: string;
      /** Null while the photo is being sent. */
      readonly job: PhotoJob | null;
    }
  | { readonly phase: "done"; readonly face: FaceCard; readonly fresh: boolean; readonly warnings: readonly Said[] };

export type PhotoEvent =
  | { readonly type: "picked"; readonly photo: Photo }
  | { readonly type: "unusable"; readonly problem: PhotoProblem }
  | { readonly type: "named"; readonly name: string }
  | { readonly type: "ticked"; readonly ticked: boolean }
  | { readonly type: "sent" }
  | { readonly type: "progress"; readonly job: PhotoJob }
  | { readonly type: "failed"; readonly problem: PhotoProblem }
  | { readonly type: "other-photo" };

export const EMPTY: PhotoState = { phase: "choose", problem: null };
const KINDS = ["image/jpeg", "image/png", "image/webp"];
export const ACCEPT = KINDS.join(",");
const NAME_LENGTH = 40;

export function reducePhoto(state: PhotoState, event: PhotoEvent): PhotoState {
  switch (event.type) {
    case "picked":
      if (state.phase === "making") return state;
      return {
        phase: "consent",
        photo: event.photo,
        name: state.phase === "consent" ? state.name : "",
        ticked: false, // it was said of another picture
        problem: null,
      };
    case "unusable":
      if (state.phase === "choose" || state.phase === "consent") return { ...state, problem: event.problem };
      return state;
    case "named":
      return state.phase === "consent" ? { ...state, name: event.name } : state;
    case "ticked":
      return state.phase === "consent" ? { ...state, ticked: event.ticked } : state;
    case "sent":
      if (state.phase !== "consent" || !state.ticked) return state;
      return { phase: "making", photo: state.photo, name: state.name, job: null };
    case "progress":
      return state.phase === "making" ? progressed(state, event.job) : state;
    case "failed":
      if (state.phase !== "making") return state;
      return { phase: "consent", photo: state.photo, name: state.name, ticked: true, problem: event.problem };
    case "other-photo":
      return EMPTY;
  }
}

function progressed(state: PhotoState & { phase: "making" }, job: PhotoJob): PhotoState {
  if (job.state === "refused") {
    const detail = job.detail ?? words().photo.problems.refused.text;
    return { phase: "choose", problem: { kind: "refused", detail, code: job.code } };
  }
  if (job.state === "done") {
    if (job.portrait !== null) {
      return { phase: "done", face: job.portrait, fresh: true, warnings: job.warnings };
    }
    const detail = words().photo.unreadable;
    return { phase: "choose", problem: { kind: "refused", detail } };
  }
  return { ...state, job };
}

/** What cannot be sent, said before anything is sent; null: it can. */
export function unusable(files: readonly Blob[], maxBytes: number): PhotoProblem | null {
  const [file] = files;
  if (file === undefined) return { kind: "type" };
  if (files.length > 1) return { kind: "several" };
  if (!KINDS.includes(file.type)) return { kind: "type" };
  return file.size > maxBytes ? { kind: "size" } : null;
}

/** A portrait's name from what was written: "Zoë B." is zoe-b. Empty: the server makes one. */
export function slug(written: string): string {
  return written
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, NAME_LENGTH)
    .replace(/^-+|-+$/g, "");
}

/** What is happening now, for the line above the bar. */
export function nowDoing(job: PhotoJob | null): string {
  if (job === null || job.state === "receiving") return words().photo.sending;
  if (job.state === "waiting") return words().photo.waiting;
  const step = job.steps.at(-1);
  return step === undefined ? words().photo.looking : photoStep(step);
}
