/** Build and dev server. In dev, /api goes to a gateway that is already running (GATEWAY_URL). */
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const gateway = process.env["GATEWAY_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    // light-dark(), container units and :has() are used as they are
    target: ["chrome123", "firefox121", "safari17.5"],
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0, // the content security policy allows no data: fonts
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700, // livekit-client is one lazy chunk of about 550 kB
  },
  server: {
    host: "127.0.0.1",
    // the gateway compares Origin with Host: keep the host the browser asked for
    proxy: { "/api": { target: gateway, changeOrigin: false } },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
