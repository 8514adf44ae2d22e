import { describe, expect, test } from "vitest";
import { converse, type Conversation } from "./conversation";
import { Writing } from "./writing";

function desk() {
  let talk: Conversation = [];
  const sent: string[] = [];
  const line = { open: false, broken: false };
  const writing = new Writing({
    talk: () => talk,
    tell: (event) => { talk = converse(talk, event); },
    sender: () => (line.open ? (text) => (line.broken ? Promise.reject(new Error("gone")) : (sent.push(text), Promise.resolve())) : null),
    sent: () => undefined,
  });
  return { writing, sent, line, deliveries: () => talk.map(({ delivery }) => delivery) };
}

describe("what is written", () => {
  test("waits while nobody can read it, then goes out once and in order", async () => {
    const { writing, sent, line, deliveries } = desk();
    writing.send(" one ");
    writing.send("two");
    expect(deliveries()).toEqual(["waiting", "waiting"]);
    line.open = true;
    await Promise.all([writing.deliver(), writing.deliver()]);
    expect(sent).toEqual(["one", "two"]);
    expect(deliveries()).toEqual(["done", "done"]);
  });
  test("that did not arrive is offered again", async () => {
    const { writing, sent, line, deliveries } = desk();
    line.open = line.broken = true;
    writing.send("one");
    await writing.deliver();
    await Promise.resolve();
    expect(deliveries()).toEqual(["failed"]);
    expect(sent).toEqual([]);
  });
  test("is bounded while it waits, and empty words are none", () => {
    const { writing, deliveries } = desk();
    for (let count = 0; count < 52; count += 1) writing.send("x");
    writing.send("  ");
    expect(deliveries().filter((one) => one === "failed")).toHaveLength(2);
    expect(deliveries()).toHaveLength(52);
  });
});
