import { describe, expect, test } from "vitest";
import { de } from "./de";
import { en } from "./en";
import { preferred } from "./index";

describe("the language of the page", () => {
  test.each([
    ["?lang=de", "en", ["en-GB"], "de"],
    ["", "de", ["en-GB"], "de"],
    ["", null, ["fr", "de-AT", "en"], "de"],
    ["?lang=xx", null, ["fr"], "en"],
    ["?lang=DE-ch", null, [], "de"],
  ] as const)("%s, %s, %s: %s", (search, kept, browser, wanted) => {
    expect(preferred(search, kept, browser)).toBe(wanted);
  });
});

/** Every sentence by its path; functions are given the same arguments in both languages. */
function sentences(of: unknown, path: string): [string, string][] {
  if (typeof of === "string") return [[path, of]];
  if (typeof of === "function") return sentences((of as (...given: unknown[]) => unknown)("Ada", "Bo", true, "x"), path);
  if (typeof of !== "object" || of === null) return [];
  return Object.entries(of).flatMap(([key, value]) => sentences(value, `${path}.${key}`));
}

describe("German", () => {
  const [english, german] = [sentences(en, ""), sentences(de, "")];
  const fixed = (all: [string, string][]) => all.filter(([path]) => !/^\.(server\.fixed|events)/.test(path));
  test("has every sentence", () => {
    expect(fixed(german).map(([path]) => path)).toEqual(fixed(english).map(([path]) => path));
    expect(german.filter(([, text]) => text.trim() === "")).toEqual([]);
  });
  test("shouts and shows codes nowhere, like English", () => {
    for (const [path, text] of [...english, ...german]) expect(text, path).not.toMatch(/!|undefined|\[object/);
  });
});
