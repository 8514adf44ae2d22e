import { describe, expect, test } from "vitest";
import { TRANSITIONS, type AvatarState } from "./avatar";
import { INITIAL, reduce, type CallEvent, type CallState } from "./state";

const START: CallEvent = { type: "start" };
const JOIN: CallEvent = { type: "agent-joined", state: "listening", at: 1 };
const SPEAK: CallEvent = { type: "agent-state", state: "speaking" };
const LISTEN: CallEvent = { type: "agent-state", state: "listening" };
const IDLE: CallEvent = { type: "agent-state", state: "idle" };
const BLOCKED: CallEvent = { type: "sound", sound: "blocked" };
const HEARD: CallEvent = { type: "sound", sound: "on" };
const DROP: CallEvent = { type: "dropped", at: 2 };
const RESUME: CallEvent = { type: "resumed" };
const FAIL: CallEvent = { type: "failed", failure: { kind: "agent-missing" } };
const GONE: CallEvent = { type: "agent-left" };
const END: CallEvent = { type: "ended", ending: "left", at: 3 };
const CLOSE: CallEvent = { type: "text-only", textOnly: true };
const OPEN: CallEvent = { type: "text-only", textOnly: false };
const after = (events: readonly CallEvent[]): CallState => events.reduce(reduce, INITIAL);

const TABLE: readonly (readonly [AvatarState, AvatarState, readonly CallEvent[], CallEvent])[] = [
  ["uninitialised", "initialising", [], START],
  ["uninitialised", "destroyed", [], END],
  ["initialising", "ready", [START], JOIN],
  ["initialising", "playing", [START], { type: "agent-joined", state: "speaking", at: 1 }],
  ["initialising", "paused", [START], { type: "agent-joined", state: "idle", at: 1 }],
  ["initialising", "error", [START], FAIL],
  ["initialising", "destroyed", [START], END],
  ["ready", "playing", [START, JOIN], SPEAK],
  ["ready", "paused", [START, JOIN], IDLE],
  ["ready", "initialising", [START, JOIN], GONE],
  ["ready", "error", [START, JOIN], DROP],
  ["ready", "destroyed", [START, JOIN], CLOSE],
  ["playing", "ready", [START, JOIN, SPEAK], LISTEN],
  ["playing", "paused", [START, JOIN, SPEAK], BLOCKED],
  ["playing", "initialising", [START, JOIN, SPEAK], GONE],
  ["playing", "error", [START, JOIN, SPEAK], DROP],
  ["playing", "destroyed", [START, JOIN, SPEAK], END],
  ["paused", "playing", [START, JOIN, SPEAK, BLOCKED], HEARD],
  ["paused", "ready", [START, JOIN, IDLE], LISTEN],
  ["paused", "initialising", [START, JOIN, IDLE], GONE],
  ["paused", "error", [START, JOIN, IDLE], DROP],
  ["paused", "destroyed", [START, JOIN, IDLE], CLOSE],
  ["error", "initialising", [START, FAIL], START],
  ["error", "ready", [START, JOIN, DROP], RESUME],
  ["error", "playing", [START, JOIN, SPEAK, DROP], RESUME],
  ["error", "paused", [START, JOIN, IDLE, DROP], RESUME],
  ["error", "destroyed", [START, FAIL], END],
  ["destroyed", "initialising", [START, CLOSE], OPEN],
  ["destroyed", "ready", [START, JOIN, CLOSE], OPEN],
  ["destroyed", "playing", [START, JOIN, SPEAK, CLOSE], OPEN],
  ["destroyed", "paused", [START, JOIN, IDLE, CLOSE], OPEN],
  ["destroyed", "error", [START, JOIN, CLOSE, DROP], OPEN],
];

describe("the avatar's state machine", () => {
  test.each(TABLE)("%s goes to %s", (from, to, events, event) => {
    const before = after(events);
    expect(before.avatar).toBe(from);
    expect(reduce(before, event).avatar).toBe(to);
  });
  test("every transition it knows is tried here", () => {
    const tried = TABLE.map(([from, to]) => `${from} ${to}`).sort();
    const known = Object.entries(TRANSITIONS).flatMap(([from, to]) => Object.keys(to).map((one) => `${from} ${one}`));
    expect(tried).toEqual(known.sort());
  });
  test("whatever happens in whatever order, no other transition occurs", () => {
    const events = [START, JOIN, SPEAK, LISTEN, IDLE, BLOCKED, HEARD, DROP, RESUME, FAIL, GONE, END, CLOSE, OPEN];
    let state = after([START]);
    let seed = 7;
    for (let step = 0; step < 20_000; step += 1) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      const event = events[(seed >> 8) % events.length];
      if (event === undefined) continue;
      const next = reduce(state, event);
      if (next.avatar !== state.avatar) {
        expect(TRANSITIONS[state.avatar], `${state.avatar} by ${event.type}`).toHaveProperty(next.avatar);
      }
      state = next;
    }
  });
});
