import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Lag } from "./lag";

beforeEach(() => {
  vi.stubGlobal("window", globalThis);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function lag() {
  const passed: string[] = [];
  const of = { ms: 60 };
  return { passed, of, lag: new Lag<string>(() => of.ms, (word) => { passed.push(word); }) };
}

test("a word waits for as long as its sound does", () => {
  const { passed, lag: one } = lag();
  one.take("Hello");
  vi.advanceTimersByTime(59);
  expect(passed).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(passed).toEqual(["Hello"]);
});

test("no word overtakes another when the buffer shrinks", () => {
  const { passed, of, lag: one } = lag();
  one.take("a");
  of.ms = 5;
  one.take("b");
  vi.advanceTimersByTime(59);
  expect(passed).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(passed).toEqual(["a", "b"]);
});

test("all that waits goes when the line closes, and nothing twice", () => {
  const { passed, lag: one } = lag();
  one.take("a");
  one.take("b");
  one.flush();
  vi.advanceTimersByTime(200);
  expect(passed).toEqual(["a", "b"]);
});
