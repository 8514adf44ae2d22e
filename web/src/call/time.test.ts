import { expect, test } from "vitest";
import { ago, duration } from "./time";

test("a call time has minutes and seconds, and hours when there are any", () => {
  expect(duration(0)).toBe("00:00");
  expect(duration(65_400)).toBe("01:05");
  expect(duration(3_665_000)).toBe("1:01:05");
});

test("a clock that ran backwards shows zero", () => {
  expect(duration(-5000)).toBe("00:00");
});

test("seconds ago are whole, at least one, and singular when one", () => {
  expect(ago(200)).toBe("1 second ago");
  expect(ago(6200)).toBe("6 seconds ago");
});
