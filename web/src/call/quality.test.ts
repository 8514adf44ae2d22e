import { describe, expect, test } from "vitest";
import { rate, steady, UNSTEADIED } from "./quality";
import { figures, read, type Figures } from "./stats";

const empty = read([], 0);
const measured = (more: Partial<Figures>): Figures => ({ ...figures(empty, empty), ...more });

describe("the quality of a connection", () => {
  test("nothing measured is no quality", () => {
    expect(rate(measured({}))).toBeNull();
  });
  test.each([
    [{ rttMs: 40, loss: 0, jitterMs: 5 }, "good"],
    [{ rttMs: 250, loss: 0, jitterMs: 5 }, "fair"],
    [{ rttMs: 40, loss: 0.02, jitterMs: 5 }, "fair"],
    [{ rttMs: 40, loss: 0, jitterMs: 50 }, "fair"],
    [{ rttMs: 500, loss: 0, jitterMs: 5 }, "weak"],
    [{ rttMs: 40, loss: 0.1, jitterMs: 5 }, "weak"],
    [{ rttMs: 40, loss: 0, jitterMs: 120 }, "weak"],
  ])("%o is %s", (given, expected) => {
    expect(rate(measured(given))).toBe(expected);
  });
});

describe("the word on the badge", () => {
  const after = (...rated: ("good" | "fair" | "weak" | null)[]) => rated.reduce(steady, UNSTEADIED).shown;
  test("the first reading counts at once", () => {
    expect(after("fair")).toBe("fair");
  });
  test("one bad second changes nothing, two do", () => {
    expect(after("good", "weak")).toBe("good");
    expect(after("good", "weak", "good", "weak")).toBe("good");
    expect(after("good", "weak", "weak")).toBe("weak");
  });
  test("it takes three good seconds to rise", () => {
    expect(after("weak", "good", "good")).toBe("weak");
    expect(after("weak", "good", "good", "good")).toBe("good");
  });
  test("a second without a reading changes nothing", () => {
    expect(after("good", "weak", null, "weak")).toBe("weak");
  });
});
