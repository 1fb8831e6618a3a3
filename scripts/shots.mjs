/** @file `npm run shots`: a screenshot of every page and state, light and dark, wide and narrow, in shots/. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { buildStudio } from "./build.mjs";
import { installChromium } from "./chromium.mjs";
import { installPackages, root } from "./install.mjs";

installPackages({ tests: true });
process.env.CHROMIUM_PATH = installChromium() ?? "";
await buildStudio();
rmSync(path.join(root, "shots"), { recursive: true, force: true });
const { status } = spawnSync("npx", ["playwright", "test", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ANNEAL_SHOTS: "1" },
  shell: process.platform === "win32",
});
process.exit(status ?? 1);
