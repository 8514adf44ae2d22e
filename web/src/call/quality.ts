/** From figures to the word on the quality badge. It falls after two bad seconds and rises after three good ones. Pure. */
import type { Quality } from "./state";
import type { Figures } from "./stats";

type Rated = Extract<Quality, "good" | "fair" | "weak">;

interface Limit {
  readonly rttMs: number;
  readonly loss: number;
  readonly jitterMs: number;
}

/** Beyond FAIR it is noticed, beyond WEAK words get lost or turns collide. */
const FAIR: Limit = { rttMs: 200, loss: 0.015, jitterMs: 35 };
const WEAK: Limit = { rttMs: 400, loss: 0.06, jitterMs: 90 };
const ORDER: readonly Rated[] = ["weak", "fair", "good"];
const FALLS_AFTER = 2;
const RISES_AFTER = 3;

/** null: nothing was measured. */
export function rate(figures: Figures): Rated | null {
  const { rttMs, loss, jitterMs } = figures;
  if (rttMs === null && loss === null && jitterMs === null) return null;
  const beyond = (limit: Limit) =>
    (rttMs ?? 0) > limit.rttMs || (loss ?? 0) > limit.loss || (jitterMs ?? 0) > limit.jitterMs;
  return beyond(WEAK) ? "weak" : beyond(FAIR) ? "fair" : "good";
}

export interface Steadied {
  readonly shown: Rated | null;
  /** What the latest readings agree on, and how many they are. */
  readonly next: Rated | null;
  readonly times: number;
}

export const UNSTEADIED: Steadied = { shown: null, next: null, times: 0 };

export function steady(before: Steadied, rated: Rated | null): Steadied {
  if (rated === null) return before;
  if (before.shown === null || rated === before.shown) return { shown: rated, next: null, times: 0 };
  const times = before.next === rated ? before.times + 1 : 1;
  const falls = ORDER.indexOf(rated) < ORDER.indexOf(before.shown);
  const enough = times >= (falls ? FALLS_AFTER : RISES_AFTER);
  return enough ? { shown: rated, next: null, times: 0 } : { ...before, next: rated, times };
}
