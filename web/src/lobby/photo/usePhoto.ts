/**
 * Carries a photo to the server and follows what becomes of it. Owns the request, the polling and the
 * address of the picked file; leaving the page ends all three, and gives the job up.
 */
import { useCallback, useEffect, useReducer, useRef } from "react";
import { ApiError } from "../../api";
import { fetchJob, giveUpJob, sendPhoto, type FaceCard, type PhotoJob } from "../../portraits";
import type { PhotoProblem } from "../../problems";
import { EMPTY, reducePhoto, slug, unusable, type PhotoEvent, type PhotoState } from "./state";

const LOOK_EVERY_MS = 400;
/** So many times in a row the server may stay silent before we say so. */
const SILENCES = 10;

export interface PhotoWay {
  readonly state: PhotoState;
  readonly tell: (event: PhotoEvent) => void;
  readonly pick: (files: readonly File[]) => void;
  readonly send: () => void;
  /** Back to an empty page; what is being made is given up. */
  readonly restart: () => void;
}

/** shown: begin with a face that is there already. */
export function usePhoto(maxBytes: number, shown: FaceCard | null): PhotoWay {
  const [state, tell] = useReducer(reducePhoto, shown, begin);
  const under = useRef<AbortController | null>(null);
  const url = useRef<string | null>(null);

  const drop = useCallback(() => {
    under.current?.abort();
    under.current = null;
    if (url.current !== null) URL.revokeObjectURL(url.current);
    url.current = null;
  }, []);
  useEffect(() => drop, [drop]);

  const pick = useCallback((files: readonly File[]) => {
    const problem = unusable(files, maxBytes);
    const [file] = files;
    if (problem !== null || file === undefined) {
      tell({ type: "unusable", problem: problem ?? { kind: "type" } });
      return;
    }
    if (under.current !== null) return;
    if (url.current !== null) URL.revokeObjectURL(url.current);
    url.current = URL.createObjectURL(file);
    tell({ type: "picked", photo: { file, url: url.current } });
  }, [maxBytes]);

  const send = () => {
    if (state.phase !== "consent" || !state.ticked) return;
    const way = new AbortController();
    under.current = way;
    tell({ type: "sent" });
    void follow(state.photo.file, slug(state.name), way.signal, tell).finally(() => {
      if (under.current === way) under.current = null;
    });
  };

  const restart = () => {
    drop();
    tell({ type: "other-photo" });
  };
  return { state, tell, pick, send, restart };
}

function begin(shown: FaceCard | null): PhotoState {
  return shown === null ? EMPTY : { phase: "done", face: shown, fresh: false, warnings: [] };
}

async function follow(
  file: Blob, name: string, signal: AbortSignal, tell: (event: PhotoEvent) => void,
): Promise<void> {
  let job: PhotoJob | null = null;
  try {
    job = await sendPhoto(file, name, signal);
    let silences = 0;
    while (job.state !== "done" && job.state !== "refused") {
      if (!signal.aborted) tell({ type: "progress", job });
      await pause(LOOK_EVERY_MS, signal);
      const news: PhotoJob | null = await fetchJob(job.id, signal).catch((error: unknown) => {
        if (signal.aborted || silences === SILENCES || isRefusal(error)) throw error;
        return null;
      });
      silences = news === null ? silences + 1 : 0;
      job = news ?? job;
    }
    if (!signal.aborted) tell({ type: "progress", job });
  } catch (error) {
    if (!signal.aborted) tell({ type: "failed", problem: problemOf(error, job !== null) });
  } finally {
    if (signal.aborted && job !== null) void giveUpJob(job.id);
  }
}

function problemOf(error: unknown, sent: boolean): PhotoProblem {
  if (error instanceof ApiError && error.said !== undefined) {
    return sent ? { kind: "lost" } : { kind: "refused", ...error.said };
  }
  return { kind: "away" };
}

function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.kind === "refused";
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new ApiError("server-away"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
