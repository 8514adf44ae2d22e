/** The gateway's addresses under /api/portraits: the faces there are, and a photo that becomes one. */
import type { Said } from "./words";
import { ApiError, ask, failed, type Persona } from "./api";

export interface FaceCard {
  readonly name: string;
  readonly title: string;
  /** Made from a photo here; only these can be deleted. */
  readonly own: boolean;
  readonly poster: string | null;
  readonly sheet: string | null;
  readonly preview: string | null;
  readonly backdrop: readonly [string, string];
}

export interface FaceList {
  /** Why this server takes no photo; null: it does. */
  readonly refusal: string | null;
  /** What somebody who gives a photo declares. */
  readonly consent: string;
  readonly max_bytes: number;
  readonly portraits: readonly FaceCard[];
}

export interface PhotoJob {
  readonly id: string;
  readonly name: string;
  readonly state: "receiving" | "waiting" | "working" | "done" | "refused";
  /** What was begun so far; the last is under way. */
  readonly steps: readonly string[];
  /** 0..1 */
  readonly share: number;
  readonly detail: string | null;
  readonly code: string;
  readonly warnings: readonly Said[];
  readonly portrait: FaceCard | null;
}

const SENDING_MS = 70_000;

export async function fetchFaces(): Promise<FaceList> {
  return (await answered(await ask("/api/portraits"))) as FaceList;
}

/** Sends the photo; rejects with an ApiError, also when it is given up by the signal. */
export async function sendPhoto(photo: Blob, name: string, signal: AbortSignal): Promise<PhotoJob> {
  const query = new URLSearchParams({ consent: "true", ...(name === "" ? {} : { name }) });
  const init = { method: "POST", body: photo, headers: { "Content-Type": photo.type }, signal };
  return (await answered(await ask(`/api/portraits?${query.toString()}`, init, SENDING_MS))) as PhotoJob;
}

export async function fetchJob(id: string, signal: AbortSignal): Promise<PhotoJob> {
  return (await answered(await ask(`/api/portraits/jobs/${id}`, { signal }))) as PhotoJob;
}

/** Best effort: a job that cannot be reached ends by itself. */
export async function giveUpJob(id: string): Promise<void> {
  await ask(`/api/portraits/jobs/${id}`, { method: "DELETE" }).catch(() => undefined);
}

export async function deleteFace(name: string): Promise<void> {
  const answer = await ask(`/api/portraits/${name}`, { method: "DELETE" });
  if (!answer.ok) throw await failed(answer);
}

/** The persona with another face: same voice, same mind. */
export function wearing(persona: Persona, face: FaceCard | null): Persona {
  if (face === null) return persona;
  return { ...persona, portrait: face.name, poster: face.poster, preview: face.preview, backdrop: face.backdrop, photo: face.own };
}

/** How a portrait's name is shown: zoe-b is "Zoe b". */
export function faceName(name: string): string {
  const spaced = name.replaceAll("-", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

async function answered(answer: Response): Promise<unknown> {
  if (!answer.ok) throw await failed(answer);
  const body: unknown = await answer.json();
  if (typeof body !== "object" || body === null) throw new ApiError("server-away");
  return body;
}
