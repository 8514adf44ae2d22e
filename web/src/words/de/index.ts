/** Every sentence of the page, in German. Du, not Sie: one talks face to face. A chunk of its own. */
import type { Words } from "../en";
import { call, chat, keys, notice, quality, switching } from "./call";
import { end, failure } from "./failure";
import { events, hood } from "./hood";
import { check, devices, embed, lobby } from "./lobby";
import { photo } from "./photo";
import { server } from "./server";

export const de: Words = {
  language: "Deutsch",
  ai: "KI",
  disclosure: "Du sprichst mit einer KI",
  disclosureMore: "Gesicht und Stimme macht ein Computer.",
  you: "Du",
  tryAgain: "Noch einmal",
  close: "Schließen",
  copied: "Kopiert",
  starting: "Beginnt",
  cancel: "Abbrechen",
  home: "Visavis, Startseite",
  toStart: "Zur Startseite",
  skipToPage: "Direkt zur Seite",
  skipToControls: "Direkt zu den Knöpfen",
  speakLanguage: "Sprache",

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
