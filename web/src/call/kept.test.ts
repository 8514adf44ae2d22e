import { describe, expect, test } from "vitest";
import { KEPT_FOR_MS, parseKept } from "./kept";

const message = { id: "a", from: "them", how: "spoken", text: "Hello", cut: "", open: true, delivery: "done", at: 1 };
const call = {
  persona: { id: "jun" }, room: "visavis-1", identity: "guest-1", talk: [message],
  liveSince: 5, textOnly: false, microphone: "on", at: 1000,
};

describe("a call that a reload interrupted", () => {
  test("comes back with what was said, and nothing of it goes on", () => {
    expect(parseKept(JSON.stringify(call), 2000)).toEqual({ ...call, talk: [{ ...message, open: false }] });
  });
  test("is over when its room is", () => {
    expect(parseKept(JSON.stringify(call), 1001 + KEPT_FOR_MS)).toBeNull();
  });
  test.each([null, "", "null", "[]", "{}", '{"room":"a","identity":"b","at":"c"}', JSON.stringify({ ...call, talk: 3 })])(
    "%s is none",
    (kept) => { expect(parseKept(kept, 2000)).toBeNull(); },
  );
});
