import { describe, expect, test } from "vitest";
import { endingSentence, failureSentence, micAction, micProblem, micSentence } from "./problems";

const error = (name: string) => Object.assign(new Error("x"), { name });

describe("a microphone that cannot be had", () => {
  test.each([
    ["NotAllowedError", "refused"],
    ["SecurityError", "refused"],
    ["NotFoundError", "missing"],
    ["OverconstrainedError", "missing"],
    ["NotReadableError", "busy"],
    ["AbortError", "busy"],
  ])("%s means %s", (name, problem) => {
    expect(micProblem(error(name), true)).toBe(problem);
  });
  test("on a page that is not secure nothing else matters", () => {
    expect(micProblem(error("NotAllowedError"), false)).toBe("insecure");
  });
  test("a thrown value that is no error counts as refused", () => {
    expect(micProblem("no", true)).toBe("refused");
  });
  test("is told with the persona’s name and a way on", () => {
    expect(micSentence("refused", "Clara", "localhost").title).toBe("Clara can’t hear you");
    expect(micAction("refused")).toBe("Try again");
    expect(micAction("missing")).toBe("Look again");
  });
  test("a page that is not secure names the address and offers no button that cannot help", () => {
    expect(micSentence("insecure", "Clara", "visavis.local:8080").text).toContain("https://visavis.local:8080");
    expect(micAction("insecure")).toBeNull();
  });
});

describe("a call that fails", () => {
  test("says the design’s sentence", () => {
    expect(failureSentence({ kind: "agent-missing" }, "Clara")).toEqual({
      title: "Clara did not come",
      text: "The server is up, but no agent took the call.",
    });
    expect(failureSentence({ kind: "gave-up" }, "Clara").title).toBe("The connection is gone");
  });
  test("prefers the server’s own sentence", () => {
    const detail = "Too many calls were started from here. Wait a moment, then try again.";
    expect(failureSentence({ kind: "refused", said: { detail } }, "Clara").text).toBe(detail);
  });
  test("words the codes it knows by itself", () => {
    const said = { detail: "Whatever.", code: "too-many-calls" };
    expect(failureSentence({ kind: "refused", said }, "Clara").text).toMatch(/^Too many calls/);
    expect(failureSentence({ kind: "refused", said: { detail: "Whatever.", code: "toString" } }, "Clara").text).toBe("Whatever.");
  });
  test("does not say the title twice", () => {
    const detail = "The server does not answer. Check that it runs, then try again.";
    expect(failureSentence({ kind: "server-away", said: { detail } }, "Clara").text).toBe("Check that it runs, then try again.");
  });
  test("no sentence shouts or apologises", () => {
    const kinds = ["server-away", "refused", "network-blocked", "agent-missing", "full", "gave-up"] as const;
    for (const kind of kinds) {
      const { title, text } = failureSentence({ kind }, "Clara");
      expect(`${title} ${text}`).not.toMatch(/!|oops|sorry|error/i);
    }
  });
});

test("a call that ends says who ended it", () => {
  expect(endingSentence("left", "Clara").title).toBe("You left the call");
  expect(endingSentence("ended", "Clara").text).toBe("Clara ended the call.");
});
