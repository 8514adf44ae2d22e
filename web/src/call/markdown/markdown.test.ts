import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { looksMarked } from "../marks";
import { Markdown } from "./Markdown";

const shown = (text: string) => renderToStaticMarkup(createElement(Markdown, { text })).slice('<div class="md">'.length, -"</div>".length);

describe("markdown in a message", () => {
  test("lists, strong words and code become elements", () => {
    expect(shown("**G major:**\n\n1. G A B\n2. C `D`")).toBe(
      "<p><strong>G major:</strong></p><ol start=\"1\"><li><p>G A B</p></li><li><p>C <code>D</code></p></li></ol>",
    );
  });
  test.each([
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    'a <b onclick="x()">b</b>',
    "<iframe src=//x></iframe>",
    "<svg/onload=alert(1)>",
  ])("HTML is shown, not obeyed: %s", (text) => {
    expect(shown(text).replace(/<\/?p>/g, "")).not.toMatch(/<[a-z!/]/i);
  });
  test.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//x.example", "&#106;avascript:alert(1)"])(
    "a link to %s is only its words",
    (url) => {
      expect(shown(`[words](${url})`)).toBe("<p>words</p>");
    },
  );
  test("a link to the web opens elsewhere and tells nothing of this page", () => {
    expect(shown("[words](https://x.example/)")).toBe(
      '<p><a href="https://x.example/" target="_blank" rel="noopener noreferrer nofollow">words</a></p>',
    );
  });
  test("a picture is its description: nothing is fetched", () => {
    expect(shown("![a cat](https://x.example/cat.png)")).toBe("<p>a cat</p>");
  });
  test("a heading does not enter the page's outline", () => {
    expect(shown("# Loud")).toBe("<p><strong>Loud</strong></p>");
  });
  test("absurd nesting is cut, not followed", () => {
    expect(shown(">".repeat(900) + " deep").match(/<blockquote>/g)?.length).toBeLessThan(20);
  });
});

test("plain sentences need no parser", () => {
  expect(looksMarked("Five times 3 is 15. Isn’t it? (Yes!)")).toBe(false);
  expect(["**a**", "1. one\n2. two", "- one", "`x`", "[a](https://b)"].every(looksMarked)).toBe(true);
});
