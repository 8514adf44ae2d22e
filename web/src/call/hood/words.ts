/** Figures as words. Pure. */
import { words } from "../../words";

export const DASH = "–";

type Values = readonly (number | null)[];

export function signed(ms: number | null): string {
  if (ms === null) return DASH;
  const whole = Math.round(ms);
  return `${whole > 0 ? "+" : whole < 0 ? "−" : ""}${Math.abs(whole)} ms`;
}

export function bitrate(kbitPerS: number | null): string {
  if (kbitPerS === null) return DASH;
  return kbitPerS < 1000 ? `${Math.round(kbitPerS)} kbit/s` : `${(kbitPerS / 1000).toFixed(1)} Mbit/s`;
}

export function rateWords(rates: Values): string {
  const known = rates.filter((one) => one !== null);
  return known.length === 0 ? words().hood.notMeasured : words().hood.low(Math.min(...known).toFixed(1));
}

export function offsetWords(offsets: Values, bandMs: number): string {
  const known = offsets.filter((one) => one !== null);
  if (known.length === 0) return words().hood.lipsUnmeasured;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return words().hood.lipsBetween(signed(low), signed(high), low >= -bandMs && high <= bandMs);
}

export function whole(ms: number | null): string {
  return ms === null ? DASH : String(Math.round(ms));
}
