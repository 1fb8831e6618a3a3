/** @file Makes sure that the right Node runs and that the packages of the lock file are installed. Needs no package. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

const readJson = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8"));

function requireNode() {
  const wanted = readJson("package.json").engines.node.replace(">=", "");
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [wantedMajor, wantedMinor] = wanted.split(".").map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  console.error(`Anneal needs Node ${wanted} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/**
 * npm's own record of what it installed, against the lock file; packages for other platforms may be absent.
 * @param {{ tests?: boolean }} options whether the tests' packages are wanted too
 */
export function hasPackages({ tests = false } = {}) {
  const record = "node_modules/.package-lock.json";
  if (!existsSync(path.join(root, record))) return false;
  const installed = readJson(record).packages;
  return Object.entries(readJson("package-lock.json").packages).every(
    ([place, { version, dev, optional, peer }]) =>
      place === "" ||
      optional ||
      (dev && !tests) ||
      (peer && !installed[place]) ||
      installed[place]?.version === version,
  );
}

/** Installs what the lock file names, where it is not there; the studio alone needs about half of it. */
export function installPackages({ tests = false } = {}) {
  requireNode();
  if (hasPackages({ tests })) return;
  const started = Date.now();
  console.log("Installing packages (once; half a minute to two) …");
  const { status } = spawnSync(
    "npm",
    ["ci", "--prefer-offline", "--loglevel=error", ...(tests ? ["--include=dev"] : ["--omit=dev"])],
    { cwd: root, stdio: "inherit", shell: process.platform === "win32" },
  );
  if (status !== 0) {
    console.error("The packages could not be installed: npm's message is above.");
    process.exit(1);
  }
  console.log(`Packages installed in ${Math.round((Date.now() - started) / 1000)} s.`);
}
