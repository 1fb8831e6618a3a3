/**
 * @file Adds to the lock file the optional packages of other platforms that npm left out. Run it after `npm install`.
 * npm leaves them out where its registry lacks them or they are not installed; `npm ci` then refuses the lock file,
 * and another platform gets no native part. The entries carry no checksum, which npm allows.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./install.mjs";

const systems = ["android", "darwin", "linux", "win32", "freebsd", "openharmony"];
const processors = ["arm64", "x64", "ia32", "arm", "ppc64", "riscv64", "s390x", "loong64", "wasm32"];

/** "@x/binding-linux-arm64-musl" → { os: ["linux"], cpu: ["arm64"], libc: ["musl"] } */
function parsePlatform(name) {
  const parts = name.split("/").at(-1).split("-");
  const os = systems.filter((system) => parts.includes(system));
  const cpu = processors.filter((processor) => parts.includes(processor));
  const libc = parts.includes("musl") ? ["musl"] : parts.includes("gnu") ? ["glibc"] : [];
  return { ...(os.length && { os }), ...(cpu.length && { cpu }), ...(libc.length && { libc }) };
}

const file = path.join(root, process.argv[2] ?? "", "package-lock.json"); // of another folder, if one is named
const lock = JSON.parse(readFileSync(file, "utf8"));
const added = [];
for (const [place, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const isThere = [`${place}/node_modules/${name}`, `node_modules/${name}`].some((key) => lock.packages[key]);
    const platform = parsePlatform(name);
    // Only exact versions of platform packages can be written down without asking.
    if (isThere || !/^\d+\.\d+\.\d+$/.test(version) || !platform.cpu) continue;
    lock.packages[`node_modules/${name}`] = { version, ...(dev && { dev }), optional: true, ...platform };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")));
if (added.length) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length ? `Added ${added.length}:\n${added.join("\n")}` : "The lock file is complete.");
