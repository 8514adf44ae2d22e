import type { Words } from "../en";

const cameraGone = "Keine Kamera gefunden. Schließ eine an und drück dann noch einmal auf die Kamera.";

const away: readonly string[] = ["Sieh nach, ob Visavis auf seinem Rechner noch läuft.", "Sieh nach, ob dieses Gerät online ist.", "Versuch es dann noch einmal."];

export const failure: Words["failure"] = {
  microphone: {
    refused: (name) => ({
      title: `${name} hört dich nicht`,
      text: "Dieser Browser sperrt das Mikrofon für diese Seite. Erlaube es links neben der Adresse oder schreib.",
    }),
    missing: () => ({ title: "Kein Mikrofon gefunden", text: "Schließ eins an oder schreib." }),
    busy: () => ({ title: "Das Mikrofon wird benutzt", text: "Ein anderes Programm benutzt das Mikrofon. Schließ es und versuch es noch einmal." }),
    gone: () => ({ title: "Das Mikrofon ist weg", text: "Schließ es wieder an oder wähl ein anderes. Bis dahin kannst du schreiben." }),
    insecure: (_, host) => ({
      title: "Das Mikrofon braucht eine sichere Seite",
      text: `Öffne https://${host} oder öffne diese Seite auf dem Rechner, auf dem Visavis läuft.`,
    }),
  },
  cameraAdvice: {
    refused: "Um sie zu erlauben, drück auf das Zeichen links neben der Adresse.",
    missing: cameraGone,
    gone: cameraGone,
    busy: "Ein anderes Programm benutzt die Kamera. Schließ es und drück dann noch einmal auf die Kamera.",
    insecure: "Die Kamera braucht eine sichere Seite (https).",
  },
  sentences: {
    "server-away": () => ({ title: "Der Server antwortet nicht", text: "Sieh nach, ob er läuft, und versuch es dann noch einmal." }),
    refused: () => ({ title: "Das Gespräch hat nicht begonnen", text: "Der Server hat es abgelehnt. Lade diese Seite neu und versuch es dann noch einmal." }),
    "network-blocked": () => ({
      title: "Das Gespräch kommt nicht durch",
      text: "Dieses Netz sperrt die Wege, die ein Gespräch nehmen kann. Versuch ein anderes Netz und prüf dann noch einmal.",
    }),
    "agent-missing": (name) => ({ title: `${name} ist nicht gekommen`, text: "Der Server läuft, aber kein Agent hat das Gespräch angenommen." }),
    full: (name) => ({ title: "Alle Plätze sind besetzt", text: `${name} kommt, sobald ein Gespräch endet.` }),
    "gave-up": () => ({ title: "Die Verbindung ist weg", text: "Was du gesagt hast, steht noch auf dieser Seite." }),
  },
  steps: {
    "server-away": away,
    "gave-up": away,
    full: ["Wart hier: das Gespräch beginnt von selbst.", "Wer Visavis betreibt, kann mit VISAVIS_MAX_CALLS mehr Gespräche zulassen."],
    refused: ["Lade diese Seite neu.", "Versuch es dann noch einmal."],
    "network-blocked": ["Versuch ein anderes Netz, etwa den Hotspot deines Telefons.", "Bitte darum, den TCP-Port des Gesprächsservers zu öffnen.", "Versuch es dann noch einmal."],
    "agent-missing": ["Sieh nach, was der Agent auf seinem Rechner schreibt.", "Vielleicht startet er noch: wart einen Moment.", "Versuch es dann noch einmal."],
  },
  checks: "Prüfungen",
  helps: "Was hilft",
  waitHere: "Hier warten",
  waiting: "Wartet auf einen freien Platz. Das Gespräch beginnt von selbst.",
  copyReport: "Bericht kopieren",
  absent: "Ist nicht innerhalb von 10 Sekunden gekommen.",
  agent: "Agent",
};

export const end: Words["end"] = {
  left: (name) => ({ title: "Du hast aufgelegt", text: `${name} ist da, wenn du wieder sprechen möchtest.` }),
  ended: (name) => ({ title: "Das Gespräch ist vorbei", text: `${name} hat aufgelegt.` }),
  moved: () => ({ title: "Das Gespräch geht in einem anderen Fenster weiter", text: "Es wurde auch dort geöffnet." }),
  lasted: (time, name) => `${time} mit ${name}. `,
  again: "Noch einmal anrufen",
  said: "Was gesagt wurde",
  kept: "Nur in diesem Fenster. Es ist weg, wenn du es schließt.",
};
