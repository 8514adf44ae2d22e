import { describe, expect, test } from "vitest";
import { INITIAL, reduce, type CallEvent, type CallState } from "./state";
import { TalkKey } from "./talkKey";

/** A key on a microphone that reports as the real one does. */
function key(...events: CallEvent[]) {
  let call: CallState = events.reduce(reduce, INITIAL);
  const asked: string[] = [];
  const tell = (event: CallEvent) => { call = reduce(call, event); };
  const talkKey = new TalkKey({
    microphone: {
      setOn: (on) => {
        tell({ type: "mic", mic: on ? "on" : "muted" });
        return Promise.resolve();
      },
    },
    state: () => call,
    tell: (held) => { tell({ type: "held", held }); },
    ask: (method, payload) => {
      asked.push(`${method} ${payload}`);
      return Promise.resolve();
    },
  });
  return { talkKey, asked, state: () => call };
}

const MUTED: CallEvent = { type: "mic", mic: "muted" };
const ON: CallEvent = { type: "mic", mic: "on" };
const PUSH: CallEvent = { type: "policy", pushToTalk: true };

describe("holding to talk", () => {
  test("opens a muted microphone and shuts it again", () => {
    const { talkKey, state, asked } = key(MUTED);
    expect(talkKey.press()).toBe(true);
    expect(state()).toMatchObject({ held: true, mic: "on" });
    talkKey.release();
    expect(state()).toMatchObject({ held: false, mic: "muted" });
    expect(asked).toEqual([]);
  });
  test("there is nothing to hold while the microphone is on", () => {
    const { talkKey, state } = key(ON);
    expect(talkKey.press()).toBe(false);
    talkKey.release();
    expect(state()).toMatchObject({ held: false, mic: "on" });
  });
  test("a push-to-talk agent is told when to listen and when to answer", () => {
    const { talkKey, asked } = key(MUTED, PUSH);
    talkKey.press();
    talkKey.press(); // a repeated key
    talkKey.release();
    talkKey.release();
    expect(asked).toEqual(["visavis.talk start", "visavis.talk stop"]);
  });
  test("what was said can be taken back", () => {
    const { talkKey, asked, state } = key(MUTED, PUSH);
    talkKey.press();
    talkKey.cancel();
    expect(asked).toEqual(["visavis.talk start", "visavis.talk cancel"]);
    expect(state().mic).toBe("muted");
  });
});
