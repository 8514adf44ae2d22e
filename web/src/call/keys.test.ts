import { describe, expect, test } from "vitest";
import { actionOf, KEYS } from "./keys";

const press = (key: string, held: Partial<Record<"shiftKey" | "ctrlKey" | "metaKey" | "altKey", boolean>> = {}) =>
  ({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...held });

describe("keys", () => {
  test.each(KEYS.map((key) => [key.shown, key] as const))("%s does what the list says", (_, { key, shift, action }) => {
    expect(actionOf(press(key, { shiftKey: shift }), true)).toBe(action);
  });
  test("a letter typed with caps lock counts", () => {
    expect(actionOf(press("M"), true)).toBe("microphone");
  });
  test("a browser's own shortcut is left alone", () => {
    expect(actionOf(press("t", { ctrlKey: true }), true)).toBeNull();
    expect(actionOf(press("f", { metaKey: true }), true)).toBeNull();
  });
  test("leaving needs Shift", () => {
    expect(actionOf(press("l"), true)).toBeNull();
  });
  test("with single letters off, only the shifted keys act", () => {
    expect(actionOf(press("m"), false)).toBeNull();
    expect(actionOf(press("L", { shiftKey: true }), false)).toBe("leave");
    expect(actionOf(press("?", { shiftKey: true }), false)).toBe("keys");
  });
  test("no key does two things", () => {
    expect(new Set(KEYS.map(({ key, shift }) => `${key}${shift}`)).size).toBe(KEYS.length);
  });
});
