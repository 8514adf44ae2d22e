import { expect, test } from "vitest";
import { parseSettings } from "./settings";

test("a plain address asks for nothing", () => {
  expect(parseSettings("")).toEqual({ embedded: false, persona: null, startAtOnce: false, theme: null });
});
test("only a frame begins by itself", () => {
  expect(parseSettings("?start=1").startAtOnce).toBe(false);
  expect(parseSettings("?embed=1&start=1&persona=jun&theme=dark")).toEqual({
    embedded: true, persona: "jun", startAtOnce: true, theme: "dark",
  });
});
test("a theme that does not exist is none", () => {
  expect(parseSettings("?theme=pink").theme).toBeNull();
});
