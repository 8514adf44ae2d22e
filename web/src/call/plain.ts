/**
 * Markdown as the words that are spoken: what only shapes a text is left out. Words come one by one, so
 * that a mark may stand there without its other half. Pure.
 */

/** Of emphasis, code and struck words; a star or dash between spaces is none. */
const MARKS = "(?:[*_`]|~~)+";
const OPENING = new RegExp(`(^|[\\s([“‘"'—–-])${MARKS}(?=[^\\s*_\`~]|$)`, "gm");
const CLOSING = new RegExp(`([^\\s*_\`~])${MARKS}(?=$|[\\s.,;:!?…)\\]”’"'—–-])`, "gm");

export function plain(text: string): string {
  return text
    .replace(/^[ \t]*(?:`{3,}|~{3,})[^\n]*$/gm, "")
    .replace(/^[ \t]*(?:[-*_][ \t]*){3,}$/gm, "")
    .replace(/^[ \t]*(?:(?:#{1,6}|>|[-*+])[ \t]+)+/gm, "")
    .replace(/!?\[([^\]\n]*)\]\([^)\s]*\)?/g, "$1")
    .replace(/!?\[([^\]\n]*)$/, "$1")
    .replace(OPENING, "$1")
    .replace(CLOSING, "$1")
    .trim();
}
