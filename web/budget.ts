/**
 * How much script the page may be, in gzip: a build above it fails. The start screen is what index.html
 * loads; the whole is every script there is, as if every panel had been opened.
 */
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const START_KB = 130;
const WHOLE_KB = 350;
const EMBED_KB = 4;

export function budget(): Plugin {
  return {
    name: "budget",
    generateBundle(_, bundle) {
      let start = 0;
      let whole = 0;
      for (const file of Object.values(bundle)) {
        if (file.type !== "chunk") continue;
        const kilobytes = gzipSync(file.code).byteLength / 1000;
        if (file.fileName === "embed.js") {
          if (kilobytes > EMBED_KB || file.imports.length > 0) this.error(`embed.js must be one file of at most ${EMBED_KB} kB`);
          continue;
        }
        whole += kilobytes;
        if (file.isEntry) start += kilobytes + imported(file.imports, bundle);
      }
      this.info(`script in gzip: start ${start.toFixed(1)} of ${START_KB} kB, whole ${whole.toFixed(1)} of ${WHOLE_KB} kB`);
      if (start > START_KB || whole > WHOLE_KB) {
        this.error(`too much script (start ${start.toFixed(0)} kB, whole ${whole.toFixed(0)} kB): load it later, or leave it out`);
      }
    },
  };
}

/** What an entry pulls in at once, in kilobytes. */
function imported(names: readonly string[], bundle: Readonly<Record<string, { type: string; code?: string }>>): number {
  return names.reduce((sum, name) => sum + gzipSync(bundle[name]?.code ?? "").byteLength / 1000, 0);
}
