import { describe, expect, test } from "vitest";
import { named, NO_CHOICE, parseChoice, present, wish } from "./choice";

describe("what was kept", () => {
  test.each([null, "", "nonsense", "[]", "3", "null", '{"audioinput": 5}'])("%s is no choice", (kept) => {
    expect(parseChoice(kept)).toEqual(NO_CHOICE);
  });
  test("a choice comes back as it was", () => {
    const choice = { audioinput: "a", audiooutput: "b", videoinput: "c" };
    expect(parseChoice(JSON.stringify(choice))).toEqual(choice);
  });
});

describe("the list to choose from", () => {
  const devices = [
    { kind: "audioinput", deviceId: "default", label: "Default - Desk" },
    { kind: "audioinput", deviceId: "a", label: "Desk" },
    { kind: "audioinput", deviceId: "b", label: "" },
    { kind: "videoinput", deviceId: "c", label: "Lens" },
  ] as const;
  test("begins with the system's own and holds each device once", () => {
    expect(named(devices, "audioinput").map(({ label }) => label)).toEqual(["System default", "Desk", "Microphone 2"]);
  });
  test("holds devices of its own kind only", () => {
    expect(named(devices, "audiooutput")).toEqual([{ id: "", label: "System default" }]);
  });
  test("a device that is unplugged falls back to the system's own", () => {
    expect(present("gone", named(devices, "audioinput"))).toBe("");
    expect(present("a", named(devices, "audioinput"))).toBe("a");
  });
});

test("a wish names a device without insisting on it", () => {
  expect(wish("a")).toEqual({ deviceId: { ideal: "a" } });
  expect(wish("")).toEqual({});
});
