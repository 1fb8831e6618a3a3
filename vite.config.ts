/** @file Build, dev server and preview server. */
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { contentSecurityPolicy, isolationHeaders } from "./scripts/headers.mjs";

/** The built page carries its policy itself, whichever server it is put on; the dev server's inline scripts need none. */
function policyInPage(): Plugin {
  return {
    name: "anneal:policy",
    apply: "build",
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: contentSecurityPolicy },
        injectTo: "head-prepend",
      },
    ],
  };
}

export default defineConfig({
  plugins: [react(), tailwind(), policyInPage()],
  worker: { format: "es" },
  build: {
    target: "esnext",
    assetsInlineLimit: 0,
    manifest: true,
    chunkSizeWarningLimit: 1500,
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  server: { headers: isolationHeaders },
  preview: { headers: { ...isolationHeaders, "Content-Security-Policy": contentSecurityPolicy } },
});
