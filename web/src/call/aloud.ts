/**
 * Whether a screen reader reads the captions: by itself only while the voice cannot be heard, so that two
 * voices do not talk at once. The choice is kept in this browser.
 */

export const ALOUD = ["silent", "always", "never"] as const;
export type Aloud = (typeof ALOUD)[number];

const KEPT_AS = "visavis.aloud";

export function parseAloud(kept: string | null): Aloud {
  return ALOUD.find((one) => one === kept) ?? "silent";
}

export function readsAloud(aloud: Aloud, audible: boolean): boolean {
  return aloud === "always" || (aloud === "silent" && !audible);
}

export function loadAloud(): Aloud {
  try {
    return parseAloud(localStorage.getItem(KEPT_AS));
  } catch {
    return "silent"; // storage is blocked
  }
}

export function keepAloud(aloud: Aloud): void {
  try {
    localStorage.setItem(KEPT_AS, aloud);
  } catch {
    // storage is blocked: the choice is lost with this page
  }
}
