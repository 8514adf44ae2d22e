import { describe, expect, test } from "vitest";
import { plain } from "./plain";

describe("markdown as spoken words", () => {
  test.each([
    ["**Two** things", "Two things"],
    ["It is *very* easy, ***really***.", "It is very easy, really."],
    ["Say `uv run`, not ~~pip~~.", "Say uv run, not pip."],
    ["(**bold**) and _under_", "(bold) and under"],
    ["## A heading\n> quoted\n- one\n* two", "A heading\nquoted\none\ntwo"],
    ["1. one\n2. `two`", "1. one\n2. two"],
    ["see [the docs](https://example.org/a_b) now", "see the docs now"],
    ["![a cello](cello.png)", "a cello"],
    ["```python\nprint(1)\n```", "print(1)"],
    ["above\n---\nbelow", "above\n\nbelow"],
  ])("%j is %j", (text, said) => {
    expect(plain(text)).toBe(said);
  });

  test.each(["5 * 3 is 15", "snake_case", "about ~5 people", "a - b", "2*3*4", "it's [sic] so", "well-known – yes"])(
    "%j stays",
    (text) => {
      expect(plain(text)).toBe(text);
    },
  );

  test.each([
    ["**Two", "Two"],
    ["look at [the", "look at the"],
    ["look at [the docs](https://exa", "look at the docs"],
    ["**", ""],
  ])("%j, which is not complete, is %j", (text, said) => {
    expect(plain(text)).toBe(said);
  });

  test("a word that stands stays as it is while more of them come", () => {
    const words = "**Two** things: *first*, see [the docs](https://example.org), then `go` on.".split(/(?<=\s)/);
    let before: string[] = [];
    for (let count = 1; count <= words.length; count += 1) {
      const now = plain(words.slice(0, count).join("")).split(/\s+/);
      expect(now.slice(0, before.length)).toEqual(before);
      before = now;
    }
  });
});
