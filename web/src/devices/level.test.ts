import { expect, test } from "vitest";
import { loudness } from "./level";

const tone = (amplitude: number) => Float32Array.from({ length: 1024 }, (_, n) => amplitude * Math.sin(n / 7));

test("silence is no level and a loud voice fills the bar", () => {
  expect(loudness(new Float32Array(1024))).toBe(0);
  expect(loudness(tone(0.9))).toBe(1);
});
test("a soft voice lies between, and grows with loudness", () => {
  expect(loudness(tone(0.02))).toBeGreaterThan(0.3);
  expect(loudness(tone(0.1))).toBeGreaterThan(loudness(tone(0.02)));
});
