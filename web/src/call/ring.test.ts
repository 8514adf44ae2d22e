import { describe, expect, test } from "vitest";
import { EMPTY, PLAYED, READY, Ring, SLOT_MS, SLOTS, WAITING } from "./ring";

interface Course {
  readonly heard?: boolean;
  readonly late?: (slot: number) => number;
  readonly missing?: (slot: number) => boolean;
}

/** A call of `seconds`; late: how late each picture is seen, in ms; missing: pictures that never come. */
function call(seconds: number, { heard = true, late = () => 0, missing = () => false }: Course = {}): Ring {
  const ring = new Ring();
  for (let slot = 0; slot < seconds * 25; slot += 1) {
    ring.advance(slot * SLOT_MS + 1, heard);
    if (!missing(slot)) ring.shown(slot * SLOT_MS + 1 + late(slot), (slot * 3600 + 4_294_960_000) % 2 ** 32);
  }
  return ring;
}

describe("the buffer ring", () => {
  test("it is empty before the call", () => {
    expect(new Ring().counts()).toEqual([SLOTS, 0, 0, 0]);
  });
  test("sound with its pictures is played, slot by slot", () => {
    expect(call(4).counts()[PLAYED]).toBe(100);
  });
  test("pictures that come unevenly are still one per slot", () => {
    expect(call(4, { late: (slot) => (slot % 2 === 0 ? 0 : 35) }).strip(50, 0)).not.toContain(WAITING);
  });
  test("sound whose picture never comes waits for it", () => {
    const ring = call(4, { missing: (slot) => slot === 60 });
    expect(ring.counts()[WAITING]).toBe(1);
  });
  test("silence without a picture is empty", () => {
    const ring = call(4, { heard: false, missing: (slot) => slot > 50 && slot < 70 });
    expect(ring.counts()[WAITING]).toBe(0);
  });
  test("after 20 seconds the oldest slots give way", () => {
    expect(call(60).counts()[PLAYED]).toBeLessThan(SLOTS);
    expect(call(60).counts()[PLAYED]).toBeGreaterThan(SLOTS - 60);
  });
  test("what the receiver holds is ready, and yellow where its picture is missing", () => {
    const ring = call(4);
    ring.holds(200, 120);
    expect(ring.strip(0, 6)).toEqual([READY, READY, READY, WAITING, WAITING, EMPTY]);
    ring.advance(4_100, true);
    expect(ring.strip(0, 6)).toEqual([READY, READY, READY, WAITING, WAITING, EMPTY]);
  });
  test("a page that slept for an hour starts over", () => {
    const ring = call(4);
    ring.advance(3_600_000, false);
    expect(ring.now).toBe(90_000);
  });
});
