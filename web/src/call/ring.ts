/**
 * The last 20 seconds of sound and picture as 500 slots of 40 ms: empty, sound ready, sound that waits
 * for its picture, and played with its picture. Pure: moments are given, in milliseconds of page time.
 *
 * A slot belongs to a picture by the sender's clock (its RTP time), not by when the browser showed it:
 * pictures that come a little early or late are still one per slot.
 */

export const SLOTS = 500;
export const SLOT_MS = 40;
export const EMPTY = 0;
export const READY = 1;
export const WAITING = 2;
export const PLAYED = 3;

const RTP_PER_SLOT = (90_000 * SLOT_MS) / 1000;
const RTP_WRAP = 2 ** 32;
/** A picture may come this late and still count for its slot. */
const GRACE = 4;
/** The sender's clock and ours have drifted apart: count anew. */
const ADRIFT = 6;
const AHEAD = 50;

export class Ring {
  readonly slots = new Uint8Array(SLOTS);
  private readonly audible = new Uint8Array(SLOTS);
  private current = -1;
  private held = { sound: 0, picture: 0 };
  private anchor: { rtp: number; slot: number } | null = null;

  /** The slot that is played now. Slots count on for ever; the place in the ring is `slot % SLOTS`. */
  get now(): number {
    return this.current;
  }

  /** Time has come to `at`; is anything to be heard? Twice in one slot is fine. */
  advance(at: number, heard: boolean): void {
    const slot = Math.floor(at / SLOT_MS);
    const slept = this.current >= 0 && slot - this.current > SLOTS;
    if (slept) this.slots.fill(EMPTY);
    const first = this.current < 0 || slept ? slot : this.current + 1;
    for (let one = first; one <= slot; one += 1) {
      this.set(one + AHEAD, EMPTY);
      this.audible[(one + AHEAD) % SLOTS] = 0;
    }
    for (let one = first; one <= slot; one += 1) {
      if (heard) this.audible[one % SLOTS] = 1;
      if (this.get(one) !== PLAYED) this.set(one, heard ? READY : EMPTY);
      const settled = one - GRACE;
      if (settled >= 0 && this.get(settled) !== PLAYED) this.set(settled, this.audible[settled % SLOTS] === 1 ? WAITING : EMPTY);
    }
    this.current = Math.max(this.current, slot);
    if (first <= slot) this.lookAhead();
  }

  /** A picture was shown at `at`. rtp: its RTP timestamp, of a 90 kHz clock, where the browser tells it. */
  shown(at: number, rtp: number | undefined): void {
    const seen = Math.floor(at / SLOT_MS);
    let slot = seen;
    if (rtp !== undefined && this.anchor !== null) {
      const passed = (rtp - this.anchor.rtp + RTP_WRAP) % RTP_WRAP;
      slot = this.anchor.slot + Math.round(passed / RTP_PER_SLOT);
    }
    if (rtp !== undefined && (this.anchor === null || Math.abs(slot - seen) > ADRIFT)) {
      this.anchor = { rtp, slot: seen };
      slot = seen;
    }
    this.set(slot, PLAYED);
  }

  /** What the receiver holds ready after now: sound, and how much of it has its picture. */
  holds(audioMs: number, videoMs: number): void {
    this.held = {
      sound: Math.min(AHEAD - GRACE, Math.floor(audioMs / SLOT_MS)),
      picture: Math.floor(videoMs / SLOT_MS),
    };
    this.lookAhead();
  }

  private lookAhead(): void {
    const { sound, picture } = this.held;
    for (let ahead = 1; ahead < AHEAD; ahead += 1) {
      if (this.get(this.current + ahead) === PLAYED) continue;
      this.set(this.current + ahead, ahead > sound ? EMPTY : ahead > picture ? WAITING : READY);
    }
  }

  /** How many slots are in each state; the index is the state. */
  counts(): readonly [number, number, number, number] {
    const counts: [number, number, number, number] = [0, 0, 0, 0];
    for (const state of this.slots) counts[state as 0 | 1 | 2 | 3] += 1;
    return counts;
  }

  /** The slots around now, oldest first. */
  strip(before: number, after: number): readonly number[] {
    return Array.from({ length: before + after }, (_, index) => this.get(this.current - before + index + 1));
  }

  private get(slot: number): number {
    return this.slots[((slot % SLOTS) + SLOTS) % SLOTS] ?? EMPTY;
  }

  private set(slot: number, state: number): void {
    this.slots[((slot % SLOTS) + SLOTS) % SLOTS] = state;
  }
}
