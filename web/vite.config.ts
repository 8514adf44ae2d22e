/** Build and dev server. In dev, /api goes to a gateway that is already running (GATEWAY_URL). */
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { budget } from "./budget.ts";

const gateway = process.env["GATEWAY_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), budget()],
  build: {
    // light-dark(), container units and :has() are used as they are
    target: ["chrome123", "firefox121", "safari17.5"],
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0, // the content security policy allows no data: fonts
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // embed.js is the script of other sites: one file under a name that stays
      input: { index: "index.html", embed: "src/embed/element.ts" },
      output: { entryFileNames: ({ name }) => (name === "embed" ? "embed.js" : "assets/[name]-[hash].js") },
    },
    chunkSizeWarningLimit: 700, // livekit-client is one lazy chunk of about 550 kB
  },
  server: {
    host: "127.0.0.1",
    // the gateway compares Origin with Host: keep the host the browser asked for
    proxy: { "/api": { target: gateway, changeOrigin: false } },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
