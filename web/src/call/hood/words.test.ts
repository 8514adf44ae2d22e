import { expect, test } from "vitest";
import { bitrate, offsetWords, rateWords, signed, whole } from "./words";

test("an offset has its sign, and none at zero", () => {
  expect([12.4, -12.4, 0.2, null].map(signed)).toEqual(["+12 ms", "−12 ms", "0 ms", "–"]);
});
test("a bitrate is told in the unit that fits", () => {
  expect([640, 1400, null].map(bitrate)).toEqual(["640 kbit/s", "1.4 Mbit/s", "–"]);
});
test("the lowest rate is told, and that none is known", () => {
  expect(rateWords([null, 25, 24.2])).toBe("low 24.2");
  expect(rateWords([null])).toBe("not measured yet");
});
test("offsets are told against the band", () => {
  expect(offsetWords([-9, null, 31], 45)).toContain("inside the band");
  expect(offsetWords([-9, 60], 45)).toContain("partly outside");
  expect(offsetWords([], 45)).toContain("not measured");
});
test("milliseconds are whole", () => {
  expect([1.6, null].map(whole)).toEqual(["2", "–"]);
});
