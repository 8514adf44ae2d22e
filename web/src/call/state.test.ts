import { describe, expect, test } from "vitest";
import { badge, badgeWord, INITIAL, notice, reduce, type CallEvent, type CallState } from "./state";

const joined: CallEvent = { type: "agent-joined", state: "listening", at: 1000 };
const after = (...events: CallEvent[]): CallState => events.reduce(reduce, INITIAL);
const live = (...events: CallEvent[]) =>
  after({ type: "start" }, joined, { type: "sound", sound: "on" }, { type: "picture", picture: "on" }, ...events);

describe("the state badge", () => {
  test("before Start the call is uninitialised", () => {
    expect(badge(INITIAL)).toBe("uninitialised");
  });
  test("after Start the persona is coming, connected or not", () => {
    expect(badge(after({ type: "start" }))).toBe("joining");
    expect(badgeWord("joining", "Clara")).toBe("Clara is coming");
  });
  test("an agent that is still getting ready is still coming", () => {
    expect(badge(live({ type: "agent-state", state: "initializing" }))).toBe("joining");
  });
  test.each(["listening", "thinking", "speaking"] as const)("a live agent shows %s", (state) => {
    expect(badge(live({ type: "agent-state", state }))).toBe(state);
  });
  test("an idle agent waits for the person", () => {
    expect(badgeWord(badge(live({ type: "agent-state", state: "idle" })), "Clara")).toBe("Waiting for you");
  });
  test("sound without a picture is not called voice only while the picture may still come", () => {
    expect(badge(after({ type: "start" }, joined, { type: "sound", sound: "on" }))).toBe("listening");
  });
  test("sound without a picture that is overdue is voice only", () => {
    const state = after({ type: "start" }, joined, { type: "sound", sound: "on" }, { type: "picture-overdue" });
    expect(badge(state)).toBe("voice-only");
  });
  test("a picture that pauses is voice only, and comes back", () => {
    const paused = live({ type: "picture", picture: "paused" });
    expect(badge(paused)).toBe("voice-only");
    expect(badge(reduce(paused, { type: "picture", picture: "on" }))).toBe("listening");
  });
  test("a dropped connection is reconnecting, whatever the agent did", () => {
    expect(badge(live({ type: "agent-state", state: "speaking" }, { type: "dropped", at: 5000 }))).toBe("reconnecting");
  });
  test("a connection that is back is not called lost until it is measured", () => {
    const back = live({ type: "dropped", at: 5000 }, { type: "line-lost" }, { ...joined, at: 8000 });
    expect([back.phase, back.quality]).toEqual(["live", "unknown"]);
  });
  test("a resumed connection goes on where it was", () => {
    const state = live({ type: "dropped", at: 5000 }, { type: "resumed" });
    expect(badge(state)).toBe("listening");
    expect(state.droppedAt).toBeNull();
  });
  test("a lost line forgets the agent until it is announced again", () => {
    const lost = live({ type: "dropped", at: 5000 }, { type: "line-lost" });
    expect(badge(lost)).toBe("reconnecting");
    expect(badge(reduce(lost, { type: "resumed" }))).toBe("joining");
    expect(badge(reduce(lost, joined))).toBe("listening");
  });
  test("an agent that leaves is waited for", () => {
    expect(badge(live({ type: "agent-left" }))).toBe("joining");
  });
  test("a failure is an error, and an agent that comes late mends it", () => {
    const failed = after({ type: "start" }, { type: "failed", failure: { kind: "agent-missing" } });
    expect(badge(failed)).toBe("error");
    expect(badge(reduce(failed, joined))).toBe("listening");
    expect(reduce(failed, joined).failure).toBeNull();
  });
  test("an ended call stays ended, whatever a closing room still says", () => {
    const ended = live({ type: "ended", ending: "left", at: 9000 });
    expect(badge(reduce(reduce(ended, joined), { type: "dropped", at: 9100 }))).toBe("ended");
  });
});

describe("times", () => {
  test("the call time starts when the agent first comes and survives a reconnection", () => {
    const state = live({ type: "dropped", at: 5000 }, { type: "line-lost" }, { ...joined, at: 8000 });
    expect(state.liveSince).toBe(1000);
  });
  test("the first drop counts, not the retries after it", () => {
    expect(live({ type: "dropped", at: 5000 }, { type: "dropped", at: 7000 }).droppedAt).toBe(5000);
  });
  test("the state of an agent that is not there changes nothing", () => {
    const state = after({ type: "start" });
    expect(reduce(state, { type: "agent-state", state: "speaking" })).toBe(state);
  });
});

describe("the one notice", () => {
  test("there is none while all is well", () => {
    expect(notice(live())).toBeNull();
  });
  test("blocked sound comes before a microphone problem", () => {
    const both = live({ type: "mic", mic: "refused" }, { type: "sound", sound: "blocked" });
    expect(notice(both)?.kind).toBe("sound-blocked");
  });
  test("reconnecting comes before a microphone problem", () => {
    expect(notice(live({ type: "mic", mic: "gone" }, { type: "dropped", at: 1 }))?.kind).toBe("reconnecting");
  });
  test("a microphone problem is told until it is closed, and a new one again", () => {
    const refused = live({ type: "mic", mic: "refused" });
    expect(notice(refused)).toEqual({ kind: "mic", problem: "refused" });
    const closed = reduce(refused, { type: "mic-notice-closed" });
    expect(notice(closed)).toBeNull();
    expect(notice(reduce(closed, { type: "mic", mic: "gone" }))?.kind).toBe("mic");
  });
  test("a muted microphone is no problem", () => {
    expect(notice(live({ type: "mic", mic: "muted" }))).toBeNull();
  });
  test("an edit that cannot be used is told until it is closed, and the next one again", () => {
    const edit = { type: "told", level: "normal", disclosure: null } as const;
    const told = live({ ...edit, problem: "persona.toml:2: no" });
    expect(notice(told)).toEqual({ kind: "edit", problem: "persona.toml:2: no" });
    const closed = reduce(told, { type: "problem-closed" });
    expect(notice(closed)).toBeNull();
    expect(notice(reduce(closed, { ...edit, problem: "persona.toml:3: no" }))?.kind).toBe("edit");
    expect(notice(reduce(told, { ...edit, problem: "" }))).toBeNull();
  });
  test("a weak connection is told last", () => {
    const weak = live({ type: "quality", quality: "weak" });
    expect(notice(weak)?.kind).toBe("weak");
    expect(notice(reduce(weak, { type: "picture", picture: "paused" }))?.kind).toBe("level");
  });
  test("what the agent does without is told, unless something matters more", () => {
    const told = live({ type: "told", level: "other-voice", disclosure: null, problem: "" });
    expect(notice(told)).toEqual({ kind: "level", level: "other-voice" });
    expect(notice(reduce(told, { type: "dropped", at: 1 }))?.kind).toBe("reconnecting");
    expect(notice(reduce(told, { type: "told", level: "normal", disclosure: null, problem: "" }))).toBeNull();
  });
  test("who stands in is told once, for a while", () => {
    const told = live({ type: "told", level: "other-face", disclosure: null, problem: "" });
    const read = reduce(told, { type: "level-read", level: "other-face" });
    expect(notice(told)).toEqual({ kind: "level", level: "other-face" });
    expect(notice(read)).toBeNull();
    expect(notice(reduce(read, { type: "quality", quality: "weak" }))?.kind).toBe("weak");
    const other = reduce(read, { type: "told", level: "other-voice", disclosure: null, problem: "" });
    expect(notice(other)).toEqual({ kind: "level", level: "other-voice" });
    expect(notice(reduce(other, { type: "told", level: "other-face", disclosure: null, problem: "" }))).toBeNull();
  });
  test("an agent without a voice answers in writing, and says so", () => {
    expect(badge(live({ type: "told", level: "text-only", disclosure: null, problem: "" }))).toBe("in-writing");
  });
});
