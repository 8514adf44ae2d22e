import { expect, test } from "vitest";
import type { Persona } from "../api";
import type { FaceCard } from "../portraits";
import { find, isSame } from "./cast";

const jun: Persona = {
  id: "jun", name: "Jun", role: "", tagline: "", language: "en", disclosure: "", poster: "/jun", preview: null,
  backdrop: ["#000000", "#111111"],
};
const me: FaceCard = { name: "me", title: "Me", own: true, poster: "/me", sheet: null, preview: null, backdrop: ["#222222", "#333333"] };
const cast = { personas: [jun], faces: [me] };

test("a persona is found with the face it wears", () => {
  expect(find(cast, "jun", "me")).toMatchObject({ id: "jun", portrait: "me", poster: "/me" });
  expect(find(cast, "jun", "jun")).toEqual(jun);
  expect(find(cast, "nobody", "")).toBeNull();
});
test("the page shows who the agent says it is, whatever its own face is called", () => {
  expect(isSame(jun, "jun", "some-pack")).toBe(true);
  expect(isSame({ ...jun, portrait: "me" }, "jun", "me")).toBe(true);
  expect(isSame({ ...jun, portrait: "me" }, "jun", "jun")).toBe(false);
  expect(isSame(jun, "imani", "")).toBe(false);
});
