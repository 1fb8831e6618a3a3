/** @file Finds a Chromium to test in, installs one where there is none, and says how to start it. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/** Playwright's own downloads, newest first. */
function listDownloaded() {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? path.join(homedir(), ".cache", "ms-playwright");
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .filter((name) => /^chromium-\d+$/.test(name))
    .sort((a, b) => Number(b.slice(9)) - Number(a.slice(9)))
    .flatMap((name) => ["chrome-linux64/chrome", "chrome-linux/chrome"].map((file) => path.join(cache, name, file)));
}

/** @returns {string | undefined} the executable's path */
export function findChromium() {
  const onPath = (process.env.PATH ?? "")
    .split(path.delimiter)
    .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => path.join(folder, name)));
  const candidates = [
    process.env.CHROMIUM_PATH,
    "/usr/bin/chromium",
    ...onPath,
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ...listDownloaded(),
  ];
  return candidates.find((file) => file && existsSync(file));
}

/** Finds Chromium or installs it: Debian's own as root, else the one Playwright brings. */
export function installChromium() {
  const found = findChromium();
  if (found) return found;
  const run = (command, args) => spawnSync(command, args, { stdio: "inherit" }).status === 0;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && existsSync("/usr/bin/apt-get")) {
    console.log("Chromium is missing: installing it with apt-get.");
    run("apt-get", ["update", "-qq"]);
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation"]);
  }
  if (!findChromium()) {
    console.log("Chromium is missing: installing the one Playwright brings.");
    run("npx", ["playwright", "install", "chromium"]);
  }
  return findChromium();
}

/** WebGPU on the CPU (SwiftShader), nothing from the network; root may not use Chromium's sandbox. */
export const chromiumArguments = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-features=OptimizationHints,MediaRouter,Translate",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];
