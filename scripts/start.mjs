/** @file `npm start`: installs and builds what is missing, serves the studio and opens it. `--no-open`, PORT=4173. */
import { spawn } from "node:child_process";
import { buildStudio } from "./build.mjs";
import { installPackages, root } from "./install.mjs";

/** Opens a browser where there is a screen; that it cannot is no failure, the address is printed. */
function openBrowser(url) {
  const screen = process.platform !== "linux" || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (process.argv.includes("--no-open") || process.env.CI || !screen) return;
  const [command, ...args] =
    process.platform === "darwin"
      ? ["open", url]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", url]
        : ["xdg-open", url];
  spawn(command, args, { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}

installPackages();
await buildStudio();
const { preview } = await import("vite");
const port = Number(process.env.PORT ?? 4173);
try {
  const server = await preview({
    root,
    logLevel: "error",
    preview: { port, strictPort: Boolean(process.env.PORT), open: false },
  });
  const url = server.resolvedUrls?.local[0] ?? `http://localhost:${port}/`;
  console.log(`\nAnneal is ready: ${url}\nStop it with Ctrl C.`);
  openBrowser(url);
} catch (error) {
  console.error(`The studio could not be served: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
