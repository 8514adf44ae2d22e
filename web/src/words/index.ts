/**
 * The language the page speaks: ?lang=, else what was chosen here before, else the browser's own. English
 * is always there; another one is a chunk of its own and loaded before the page is drawn.
 */
import { useSyncExternalStore } from "react";
import { en, type Words } from "./en";

export type { Words } from "./en";
export type { Sentence } from "./sentence";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

/** As each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: "English", de: "Deutsch" };

const KEPT_AS = "visavis.language";
const LOADERS: Readonly<Record<Language, () => Promise<Words>>> = {
  en: () => Promise.resolve(en),
  de: () => import("./de").then(({ de }) => de),
};

let spoken: Language = "en";
let current: Words = en;
const listeners = new Set<() => void>();

/** Every sentence, in the language spoken now. Read it when it is shown; do not keep it. */
export function words(): Words {
  return current;
}

export function language(): Language {
  return spoken;
}

/** Draws the caller, and all below it, again when the language changes. */
export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, language);
}

/** Speaks another language from now on. One that cannot be loaded changes nothing. */
export async function speak(wanted: Language): Promise<void> {
  const loaded = await LOADERS[wanted]().catch(() => null); // offline: the page stays as it is
  if (loaded === null) return;
  [spoken, current] = [wanted, loaded];
  document.documentElement.lang = wanted;
  for (const listener of listeners) listener();
}

/** The person's own choice: kept in this browser. */
export function choose(wanted: Language): void {
  try {
    localStorage.setItem(KEPT_AS, wanted);
  } catch {
    // storage is blocked: the choice holds for this page
  }
  void speak(wanted);
}

/** What this page should speak: the address wins over the choice, the choice over the browser. */
export function preferred(search: string, kept: string | null, browser: readonly string[]): Language {
  const wishes = [new URLSearchParams(search).get("lang"), kept, ...browser];
  for (const wish of wishes) {
    const found = LANGUAGES.find((one) => one === wish?.toLowerCase().split("-")[0]);
    if (found !== undefined) return found;
  }
  return "en";
}

export function keptLanguage(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}

/** Something the server says: in English, and by the code of it, if it has one. */
export interface Said {
  readonly detail: string;
  readonly code?: string | undefined;
}

/** What the server says, in the language of the page where we know the words. */
export function fromServer({ detail, code }: Said): string {
  const { said, fixed } = current.server;
  return look(said, code ?? "") ?? look(fixed, detail) ?? detail;
}

/** What is being done with a photo. */
export function photoStep(step: string): string {
  return look(current.server.photoSteps, step) ?? step.charAt(0).toUpperCase() + step.slice(1);
}

/** Only what the table holds itself: what the server sends may be called anything. */
function look(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
