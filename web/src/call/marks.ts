/** Whether a text may hold markdown: the parser is fetched only for one that does. Pure. */
export function looksMarked(text: string): boolean {
  return /[*_`[]|^\s{0,3}(#|>|[-+]\s|\d+[.)]\s)/m.test(text);
}
