/** Times as people read them. Pure; `locale` is left to the browser. */
import { words } from "../words";

/** 65_000 → "01:05", 3_665_000 → "1:01:05". */
export function duration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
}

/** 6_200 → "6 seconds ago". */
export function ago(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return words().notice.ago(seconds);
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });

/** Wall time of a message, "10:04". */
export function clock(at: number): string {
  return CLOCK.format(at);
}
