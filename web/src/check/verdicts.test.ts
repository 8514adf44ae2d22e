import { describe, expect, test } from "vitest";
import { isGood, rows, type Surroundings, type Tried } from "./verdicts";

const tried: Tried = { signal: true, path: "udp", rttMs: 2, tcp: null, turn: null };
const around: Surroundings = { webrtc: true, secure: true, host: "a.example", gateway: true, tried };
const verdicts = (changes: Partial<Surroundings>) => rows({ ...around, ...changes }).map(({ verdict }) => verdict);

describe("the check of the connection", () => {
  test("a direct way is all that is needed", () => {
    expect(verdicts({})).toEqual(["ok", "ok", "ok", "ok", "ok", "unused", "unused"]);
    expect(isGood(rows(around))).toBe(true);
  });
  test("stops at what makes the rest pointless", () => {
    expect(verdicts({ webrtc: false })).toEqual(["bad", "ok"]);
    expect(verdicts({ gateway: false, tried: null })).toEqual(["ok", "ok", "bad"]);
    expect(verdicts({ tried: { ...tried, signal: false, path: null } })).toEqual(["ok", "ok", "ok", "bad"]);
  });
  test("says that it still looks", () => {
    expect(isGood(rows({ ...around, tried: null }))).toBeNull();
    expect(verdicts({ gateway: null, tried: null })).toEqual(["ok", "ok", "waiting"]);
  });
  test("a detour works, and the direct way is named as blocked", () => {
    const list = rows({ ...around, tried: { ...tried, path: "tcp", tcp: true } });
    expect(list.map(({ verdict }) => verdict)).toEqual(["ok", "ok", "ok", "ok", "bad", "ok", "unused"]);
  });
  test("no way at all names what to do, and what the server lacks", () => {
    const list = rows({ ...around, tried: { ...tried, path: null } });
    expect(list.filter(({ verdict }) => verdict === "bad")).toHaveLength(2);
    expect(list.find(({ verdict }) => verdict === "bad")?.text).toMatch(/another network/);
  });
  test("a page without https says how to get one", () => {
    expect(rows({ ...around, secure: false })[1]?.text).toContain("https://a.example");
  });
});
