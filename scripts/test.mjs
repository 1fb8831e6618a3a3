/**
 * @file `npm test`: installs what is missing, runs every `test:*` script and sums up.
 * `npm test -- unit e2e` runs only those. Needs no package.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { installChromium } from "./chromium.mjs";
import { installPackages, root } from "./install.mjs";

const wanted = process.argv.slice(2).map((name) => `test:${name}`);
const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const suites = Object.keys(scripts).filter(
  (name) => name.startsWith("test:") && (!wanted.length || wanted.includes(name)),
);
if (!suites.length || wanted.some((name) => !scripts[name])) {
  console.error(
    `There is no such suite. There are: ${Object.keys(scripts)
      .filter((n) => n.startsWith("test:"))
      .join(" ")}`,
  );
  process.exit(1);
}

/** Vitest's and Playwright's JSON reports → counts. */
function parseReport(file) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  if (report.stats) {
    const { expected, flaky, unexpected, skipped } = report.stats;
    return { passed: expected + flaky, failed: unexpected, skipped };
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = report;
  return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
}

/** A suite without a report is one check; a suite that fails without a failed test (a file that does not load) is one failure. */
function runSuite(name) {
  const report = path.join(root, ".cache", "reports", `${name.replace(":", "-")}.json`);
  mkdirSync(path.dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const started = Date.now();
  console.log(`\n── ${name} ──`);
  const { status } = spawnSync("npm", ["run", "--silent", name], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ANNEAL_REPORT: report },
    shell: process.platform === "win32",
  });
  const isCounted = existsSync(report);
  const counts = isCounted ? parseReport(report) : { passed: status === 0 ? 1 : 0, failed: 0, skipped: 0 };
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return { name, ...counts, seconds: Math.round((Date.now() - started) / 1000) };
}

installPackages({ tests: true });
process.env.CHROMIUM_PATH = installChromium() ?? "";
const results = suites.map(runSuite);

console.log("");
for (const { name, passed, failed, skipped, seconds } of results) {
  const rest = skipped ? `, ${skipped} skipped` : "";
  console.log(`${failed ? "✗" : "✓"} ${name.padEnd(12)} ${passed} passed, ${failed} failed${rest} (${seconds} s)`);
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
const skipped = sum("skipped");
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed${skipped ? `, ${skipped} skipped` : ""}`);
process.exit(sum("failed") ? 1 : 0);
