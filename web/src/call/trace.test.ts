import { describe, expect, test } from "vitest";
import { EMPTY_TRACE, EVENTS_KEPT, percentile, trace, type Mark } from "./trace";

const after = (...marks: Mark[]) => marks.reduce(trace, EMPTY_TRACE);
const agent = (state: "listening" | "thinking" | "speaking", at: number): Mark => ({ type: "agent", state, at });

describe("a turn", () => {
  const spoken = after({ type: "voice-ended", at: 1000 }, agent("thinking", 1400), agent("speaking", 1700), { type: "sound-began", at: 1790 });
  test("is measured from the end of the voice to the first sound, by stage", () => {
    expect(spoken.turns).toEqual([
      { at: 1790, how: "spoken", hearingMs: 400, thinkingMs: 300, soundMs: 90, totalMs: 790 },
    ]);
  });
  test("its stages add up to the whole", () => {
    const [turn] = spoken.turns;
    expect((turn?.hearingMs ?? 0) + (turn?.thinkingMs ?? 0) + (turn?.soundMs ?? 0)).toBe(turn?.totalMs);
  });
  test("a typed one starts with sending", () => {
    const { turns } = after({ type: "sent", at: 0 }, agent("speaking", 200), { type: "sound-began", at: 250 });
    expect(turns[0]).toMatchObject({ how: "typed", hearingMs: 200, thinkingMs: 0, soundMs: 50 });
  });
  test("sound that is heard before the agent says that it speaks is no negative stage", () => {
    const { turns } = after({ type: "sent", at: 0 }, agent("thinking", 100), { type: "sound-began", at: 300 });
    expect(turns[0]).toMatchObject({ thinkingMs: 200, soundMs: 0, totalMs: 300 });
  });
  test("a greeting that nobody asked for is none", () => {
    expect(after(agent("speaking", 100), { type: "sound-began", at: 300 }).turns).toEqual([]);
  });
  test("the rest of an old answer is none", () => {
    expect(after({ type: "sent", at: 0 }, { type: "sound-began", at: 100 }).turns).toEqual([]);
  });
  test("a pause inside one answer is no second turn", () => {
    const again = [{ type: "sound-ended", at: 1900, unfinished: true }, { type: "sound-began", at: 2300 }] as const;
    expect(again.reduce(trace, spoken).turns).toHaveLength(1);
  });
});

describe("talking over the voice", () => {
  test("the time to silence is kept", () => {
    const { bargeMs } = after({ type: "sound-began", at: 0 }, { type: "voice-began", at: 500 }, { type: "sound-ended", at: 690, unfinished: true });
    expect(bargeMs).toBe(190);
  });
  test("a voice that a message stopped is not stopped by the voice", () => {
    const begun = after({ type: "sound-began", at: 0 }, { type: "voice-began", at: 500 }, { type: "sent", at: 600 });
    expect(trace(begun, { type: "sound-ended", at: 690, unfinished: true }).bargeMs).toBeNull();
  });
  test("a sentence that came to its end was not stopped", () => {
    const { bargeMs } = after({ type: "sound-began", at: 0 }, { type: "voice-began", at: 500 }, { type: "sound-ended", at: 690, unfinished: false });
    expect(bargeMs).toBeNull();
  });
  test("a voice that ended before is not stopped by anyone", () => {
    const { bargeMs } = after({ type: "sound-began", at: 0 }, { type: "sound-ended", at: 400, unfinished: true }, { type: "voice-began", at: 500 });
    expect(bargeMs).toBeNull();
  });
});

test("the list of events is bounded", () => {
  const marks = Array.from({ length: EVENTS_KEPT + 50 }, (_, at): Mark => ({ type: "note", what: "x", at }));
  expect(after(...marks).events).toHaveLength(EVENTS_KEPT);
});
test("percentiles of no turns are none", () => {
  expect(percentile([], 0.5)).toBeNull();
});
