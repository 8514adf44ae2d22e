import { describe, expect, test } from "vitest";
import { flow, UNKNOWN_FLOW } from "./flow";

describe("a network that is gone", () => {
  const after = (...packets: (number | null)[]) => packets.reduce(flow, UNKNOWN_FLOW).stalled;
  test("is noticed after three seconds without a packet, and over with the first", () => {
    expect(after(70, 0, 0)).toBe(false);
    expect(after(70, 0, 0, 0)).toBe(true);
    expect(after(70, 0, 0, 0, 0, 3)).toBe(false);
  });
  test("is not a call that has not begun", () => {
    expect(after(0, 0, 0, 0)).toBe(false);
    expect(after(null, null, null, null)).toBe(false);
  });
  test("is not one second that was lost, and then another", () => {
    expect(after(70, 0, 70, 0, 0, 70, 0, 0)).toBe(false);
  });
  test("stays gone while its tracks are taken away", () => {
    expect(after(70, 0, 0, 0, null)).toBe(true);
  });
});
