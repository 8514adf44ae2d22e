import { describe, expect, test } from "vitest";
import type { FaceCard, PhotoJob } from "../../portraits";
import { faceName, wearing } from "../../portraits";
import { EMPTY, nowDoing, reducePhoto, slug, unusable, type PhotoEvent, type PhotoState } from "./state";

const photo = { file: new Blob(["x"], { type: "image/jpeg" }), url: "blob:1" };
const face: FaceCard = {
  name: "me", title: "Me", own: true, poster: "/p", sheet: "/s", preview: null, backdrop: ["#aaaaaa", "#bbbbbb"],
};
const job = (changes: Partial<PhotoJob> = {}): PhotoJob => ({
  id: "1", name: "me", state: "working", steps: [], share: 0, detail: null, code: "", warnings: [], portrait: null, ...changes,
});
const after = (...events: readonly PhotoEvent[]): PhotoState => events.reduce(reducePhoto, EMPTY);
const picked: PhotoEvent = { type: "picked", photo };
const ticked: PhotoEvent = { type: "ticked", ticked: true };
const sent: PhotoEvent = { type: "sent" };
const progress = (changes: Partial<PhotoJob>): PhotoEvent => ({ type: "progress", job: job(changes) });

describe("a photo on its way to a face", () => {
  test("is not sent before somebody said that they may use it", () => {
    expect(after(picked, sent).phase).toBe("consent");
    expect(after(picked, ticked, sent).phase).toBe("making");
  });
  test("another photo has to be consented to anew, and keeps the name", () => {
    const state = after(picked, { type: "named", name: "Zoë" }, ticked, picked);
    expect(state).toMatchObject({ phase: "consent", ticked: false, name: "Zoë" });
  });
  test("becomes a face with what is to be known about it", () => {
    const warnings = [{ code: "smile-wide", detail: "A wide smile." }];
    const state = after(picked, ticked, sent, progress({ state: "done", portrait: face, warnings }));
    expect(state).toEqual({ phase: "done", face, fresh: true, warnings });
  });
  test("that is refused leads back to the choice, with the server’s own words", () => {
    const state = after(picked, ticked, sent, progress({ state: "refused", detail: "No face found." }));
    expect(state).toEqual({ phase: "choose", problem: { kind: "refused", detail: "No face found.", code: "" } });
  });
  test("that did not reach the server is kept, with its tick", () => {
    const state = after(picked, ticked, sent, { type: "failed", problem: { kind: "away" } });
    expect(state).toMatchObject({ phase: "consent", photo, ticked: true, problem: { kind: "away" } });
  });
  test("is not replaced while a face is being made of it", () => {
    expect(after(picked, ticked, sent, picked).phase).toBe("making");
    expect(after(picked, ticked, sent, { type: "unusable", problem: { kind: "type" } }).phase).toBe("making");
  });
  test("news of a job that was given up changes nothing", () => {
    expect(after(picked, ticked, sent, { type: "other-photo" }, progress({ state: "done", portrait: face }))).toBe(EMPTY);
  });
});

describe("what can be sent", () => {
  const sized = (bytes: number, type = "image/png") => new Blob([new Uint8Array(bytes)], { type });
  test.each([
    ["one picture", [sized(10)], null],
    ["a drawing that is a program", [sized(10, "image/svg+xml")], "type"],
    ["nothing", [], "type"],
    ["two pictures", [sized(1), sized(1)], "several"],
    ["a large one", [sized(11)], "size"],
  ])("%s", (_, files, problem) => {
    expect(unusable(files, 10)?.kind ?? null).toBe(problem);
  });
});

describe("names", () => {
  test.each([
    ["Robin", "robin"],
    ["Zoë B.", "zoe-b"],
    ["  --  ", ""],
    ["../../etc/passwd", "etc-passwd"],
    ["小明", ""],
    ["a".repeat(60), "a".repeat(40)],
  ])("%s is kept as %j", (written, kept) => {
    expect(slug(written)).toBe(kept);
  });
  test("are shown as words", () => {
    expect(faceName("zoe-b")).toBe("Zoe b");
  });
});

describe("what is happening", () => {
  test.each([
    [null, "Sending the photo"],
    [job({ state: "waiting" }), "Waiting for another photo to be done"],
    [job({ steps: ["finding the face", "drawing the eyes"] }), "Drawing the eyes"],
    [job(), "Looking at the photo"],
  ])("%j", (given, said) => {
    expect(nowDoing(given)).toBe(said);
  });
});

test("a persona keeps its voice and name in another face", () => {
  const imani = {
    id: "imani", name: "Imani", role: "", tagline: "", language: "en", disclosure: "",
    poster: "/own", preview: null, backdrop: ["#000000", "#111111"],
  } as const;
  expect(wearing(imani, null)).toBe(imani);
  expect(wearing(imani, face)).toMatchObject({ id: "imani", name: "Imani", portrait: "me", poster: "/p" });
});
