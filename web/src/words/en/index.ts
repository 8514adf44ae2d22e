/**
 * Every sentence of the page, in English, a file for each screen. ../de holds the same in German;
 * TypeScript sees to it that no sentence is missing there. Short, plain, present tense; first what
 * happened, then what to do. `name` is the persona's.
 */
import { call, chat, keys, notice, quality, switching } from "./call";
import { end, failure } from "./failure";
import { events, hood } from "./hood";
import { check, devices, embed, lobby } from "./lobby";
import { photo } from "./photo";
import { server } from "./server";

export const en = {
  language: "English",
  ai: "AI",
  /** For operators: VISAVIS_DISCLOSURE says it in other words. */
  disclosure: "You are talking to an AI",
  disclosureMore: "Its face and voice are made by a computer.",
  you: "You",
  tryAgain: "Try again",
  close: "Close",
  copied: "Copied",
  starting: "Starting",
  cancel: "Cancel",
  home: "Visavis, home",
  toStart: "Back to the start",
  skipToPage: "Skip to the page",
  skipToControls: "Skip to the controls",
  speakLanguage: "Language",

  call,
  chat,
  check,
  devices,
  embed,
  end,
  events,
  failure,
  hood,
  keys,
  lobby,
  notice,
  photo,
  quality,
  server,
  switching,
};

export type Words = typeof en;
