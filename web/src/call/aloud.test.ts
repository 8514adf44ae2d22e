import { expect, test } from "vitest";
import { parseAloud, readsAloud } from "./aloud";

test("captions are read only where nothing is heard, unless it was chosen otherwise", () => {
  expect(readsAloud("silent", true)).toBe(false);
  expect(readsAloud("silent", false)).toBe(true);
  expect(readsAloud("always", true)).toBe(true);
  expect(readsAloud("never", false)).toBe(false);
});
test("what was kept and is no choice is the usual one", () => {
  expect(parseAloud(null)).toBe("silent");
  expect(parseAloud("loud")).toBe("silent");
  expect(parseAloud("never")).toBe("never");
});
