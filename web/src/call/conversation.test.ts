import { describe, expect, test } from "vitest";
import { asText, converse, LIMIT, unfinished, unread, visible, type Conversation, type ConversationEvent } from "./conversation";

const all = (...events: ConversationEvent[]): Conversation => events.reduce(converse, []);
const theirs = (id: string, at = 1): ConversationEvent => ({ type: "opened", id, from: "them", how: "spoken", at });
const mine = (id: string, at = 1): ConversationEvent => ({ type: "opened", id, from: "you", how: "spoken", at });

describe("a spoken answer", () => {
  test("grows piece by piece and stays one message", () => {
    const talk = all(theirs("a"), { type: "piece", id: "a", text: "Hello, " }, { type: "piece", id: "a", text: "you" });
    expect(talk).toHaveLength(1);
    expect(talk[0]).toMatchObject({ text: "Hello, you", open: true });
  });
  test("is no line before its first word", () => {
    expect(visible(all(theirs("a")))).toHaveLength(0);
  });
  test("is closed by its end", () => {
    expect(all(theirs("a"), { type: "closed", id: "a" })[0]?.open).toBe(false);
  });
  test("that is cut short keeps what was not heard apart", () => {
    const talk = all(
      theirs("a"),
      { type: "piece", id: "a", text: "Yes. Let us work on the left hand" },
      { type: "replaced", id: "a", text: "Yes. Let us" },
    );
    expect(talk[0]).toMatchObject({ text: "Yes. Let us", cut: " work on the left hand" });
  });
  test("that is corrected, not shortened, loses nothing", () => {
    const talk = all(theirs("a"), { type: "piece", id: "a", text: "At tree" }, { type: "replaced", id: "a", text: "At three" });
    expect(talk[0]).toMatchObject({ text: "At three", cut: "" });
  });
});

describe("the person’s words", () => {
  test("come whole each time and may become shorter without a cut", () => {
    const talk = all(
      mine("u"),
      { type: "replaced", id: "u", text: "what can you do for" },
      { type: "replaced", id: "u", text: "What can you do?" },
    );
    expect(talk[0]).toMatchObject({ text: "What can you do?", cut: "" });
  });
  test("typed ones wait until they are sent", () => {
    const typed: ConversationEvent = { type: "typed", id: "t", text: "hi", delivery: "waiting", at: 1 };
    expect(all(typed)[0]).toMatchObject({ delivery: "waiting", how: "typed", from: "you" });
    expect(all(typed, { type: "delivery", id: "t", delivery: "done" })[0]?.delivery).toBe("done");
  });
});

describe("the history", () => {
  test("ignores pieces of a segment it never saw", () => {
    const talk = all(theirs("a"));
    expect(converse(talk, { type: "piece", id: "b", text: "x" })).toBe(talk);
  });
  test("keeps a segment once when it is opened twice", () => {
    expect(all(theirs("a"), theirs("a"))).toHaveLength(1);
  });
  test("is bounded", () => {
    const many = Array.from({ length: LIMIT + 5 }, (_, index) => theirs(`m${index}`));
    const talk = all(...many);
    expect(talk).toHaveLength(LIMIT);
    expect(talk[0]?.id).toBe("m5");
  });
  test("counts written answers as unread, spoken ones were heard", () => {
    const talk = all(
      theirs("a", 10),
      { type: "piece", id: "a", text: "spoken" },
      { type: "opened", id: "b", from: "them", how: "typed", at: 20 },
      { type: "piece", id: "b", text: "written" },
    );
    expect(unread(talk, 5)).toBe(1);
    expect(unread(talk, 25)).toBe(0);
  });
  test("is copied as lines with time and name", () => {
    const talk = all(theirs("a"), { type: "piece", id: "a", text: "Hello. " }, mine("u"), { type: "replaced", id: "u", text: "Hi" });
    expect(asText(talk, "Clara", () => "10:02")).toBe("10:02 Clara: Hello.\n10:02 You: Hi");
  });
});

describe("an unfinished sentence", () => {
  const said = (text: string) => unfinished(all(theirs("a"), { type: "piece", id: "a", text }));
  test("ends without a mark", () => {
    expect(said("Once there was a")).toBe(true);
  });
  test.each(["Two plus two is four.", "Shall I?", "He said “go.”", "Well…"])("%s is finished", (text) => {
    expect(said(text)).toBe(false);
  });
  test("is none before anyone spoke", () => {
    expect(unfinished([])).toBe(false);
  });
});
