import { describe, expect, test } from "vitest";
import { caption, finishedLines, lastPage } from "./captions";
import { converse, type Conversation, type ConversationEvent } from "./conversation";

const all = (...events: ConversationEvent[]): Conversation => events.reduce(converse, []);
const said = (id: string, text: string): ConversationEvent[] => [
  { type: "opened", id, from: "you", how: "spoken", at: 1 },
  { type: "replaced", id, text },
];
const answer = (id: string, text: string): ConversationEvent[] => [
  { type: "opened", id, from: "them", how: "spoken", at: 2 },
  { type: "piece", id, text },
];

describe("a page of the caption", () => {
  test("is filled with whole words and then begun anew", () => {
    expect(lastPage("one two three", 9)).toBe("three");
    expect(lastPage("one two", 9)).toBe("one two");
  });
  test("begins anew at a sentence when little room is left", () => {
    expect(lastPage("A first sentence. Next", 24)).toBe("Next");
    expect(lastPage("Short. Next", 24)).toBe("Short. Next");
  });
  test("holds a word longer than the page", () => {
    expect(lastPage("Donaudampfschiff", 5)).toBe("Donaudampfschiff");
  });
  test("never moves a word that stands: a longer text only adds to the page or replaces it", () => {
    const words = "That was lovely and even. Let us keep the third finger curved as you go on".split(" ");
    let before = "";
    for (let count = 1; count <= words.length; count += 1) {
      const page = lastPage(words.slice(0, count).join(" "), 30);
      expect(page === words[count - 1] || page === `${before} ${words[count - 1] ?? ""}`).toBe(true);
      before = page;
    }
  });
});

describe("the caption", () => {
  test("is nothing before anyone spoke", () => {
    expect(caption(all(), 80)).toBeNull();
  });
  test("marks the word being said", () => {
    expect(caption(all(...answer("a", "Let us keep ")), 80)).toMatchObject({ words: "Let us ", current: "keep" });
  });
  test("marks no word once the answer is over", () => {
    const over = all(...answer("a", "Let us keep"), { type: "closed", id: "a" });
    expect(caption(over, 80)).toMatchObject({ words: "Let us keep", current: "" });
  });
  test("shows what the person said above the answer", () => {
    expect(caption(all(...said("u", "How was that?"), ...answer("a", "Lovely")), 80)?.said).toBe("How was that?");
  });
  test("shows the person’s own words while they speak", () => {
    expect(caption(all(...answer("a", "Go on."), ...said("u", "Like this")), 80)).toMatchObject({
      from: "you",
      words: "Like this",
    });
  });
  test("drops unheard words at once when the answer is cut short", () => {
    const cut = all(...answer("a", "Let us work on the left hand"), { type: "replaced", id: "a", text: "Let us" });
    expect(caption(cut, 80)).toMatchObject({ words: "Let ", current: "us" });
  });
  test("what was typed is in the chat, not on the picture", () => {
    const typed: ConversationEvent = { type: "typed", id: "t", text: "hi", delivery: "done", at: 3 };
    expect(caption(all(...answer("a", "Hello"), typed), 80)?.from).toBe("them");
  });
  test("is the words of an answer in markdown", () => {
    const talk = all(...answer("a", "**Two** things: `one"));
    expect(caption(talk, 80)).toMatchObject({ words: "Two things: ", current: "one" });
    expect(finishedLines(all(...answer("b", "*Yes*."), { type: "closed", id: "b" }), "Clara", 4)).toEqual(["Clara: Yes."]);
  });
  test("belongs to the answer that is over until the next one has a word", () => {
    const typed: ConversationEvent = { type: "typed", id: "t", text: "hi", delivery: "done", at: 3 };
    const over = all(...answer("a", "Hello."), { type: "closed", id: "a" }, typed);
    expect(caption(over, 80)).toMatchObject({ id: "a", open: false });
    const next = converse(over, { type: "opened", id: "b", from: "them", how: "spoken", at: 4 });
    expect(caption(next, 80)).toMatchObject({ id: "a", open: false });
    expect(caption(converse(next, { type: "piece", id: "b", text: "And" }), 80)).toMatchObject({ id: "b", open: true, said: "hi" });
  });
  test("screen readers get finished lines only", () => {
    const talk = all(...answer("a", "Hello."), { type: "closed", id: "a" }, ...answer("b", "And"));
    expect(finishedLines(talk, "Clara", 4)).toEqual(["Clara: Hello."]);
  });
});
