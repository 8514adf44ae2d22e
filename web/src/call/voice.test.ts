import { expect, test } from "vitest";
import { Voice } from "./voice";

const changes = (levels: readonly number[]) => {
  const voice = new Voice(0.5, 100);
  return levels.map((level, step) => voice.hear(level, step * 40)).filter((change) => change !== null);
};

test("a voice begins with its first loud moment and ends with its last", () => {
  expect(changes([0, 1, 1, 0, 0, 0, 0])).toEqual([{ on: true, at: 40 }, { on: false, at: 80 }]);
});
test("a short pause ends nothing", () => {
  expect(changes([1, 0, 0, 1, 0, 0])).toEqual([{ on: true, at: 0 }]);
});
