// Plain JavaScript for Node 20: it runs before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

export const root = path.resolve(import.meta.dirname, "../..");
const bin = path.join(root, "node_modules", ".bin");

/** Does node_modules hold exactly the versions of the lock file? */
function installed() {
  const read = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8")).packages;
  try {
    const wanted = read("package-lock.json");
    const there = read("node_modules/.package-lock.json");
    return Object.entries(wanted).every(
      ([name, entry]) => name === "" || entry.optional === true || there[name]?.version === entry.version,
    );
  } catch {
    return false;
  }
}

/** Installs what the lock file says when something is missing or another version. Ends the process where that fails. */
export function ensureInstalled() {
  if (installed()) return;
  process.stderr.write("parkhub: installing the packages of package-lock.json (npm ci) ...\n");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const result = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (result.status === 0) return;
  process.stderr.write(`parkhub: npm ci ended with ${result.status ?? result.error?.message}; see above\n`);
  process.exit(1);
}

/** Path of a Node 24 or later: the one that npm brought, else the running one. Ends the process where there is none. */
export function runtime() {
  const own = path.join(bin, process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(own)) return own;
  if (Number(process.versions.node.split(".", 1)[0]) >= 24) return process.execPath;
  process.stderr.write(
    `parkhub: needs Node.js 24 or later. No runtime package exists for ${process.platform}-${process.arch}, ` +
      `and the installed one is ${process.version}: install Node.js 24 and try again\n`,
  );
  process.exit(1);
}

/** Environment in which `node` and every installed tool are found. */
export function toolEnvironment() {
  return { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ""}` };
}

/** Runs Node on a script with the terminal of this process, hands signals on and resolves with the exit code. */
export function runNode(args, env = {}) {
  const child = spawn(runtime(), args, { cwd: root, stdio: "inherit", env: { ...toolEnvironment(), ...env } });
  const forward = (signal) => () => child.kill(signal);
  // Ctrl-C reaches the whole process group by itself; a signal sent to this process alone must be handed on.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", forward("SIGTERM"));
  process.on("SIGHUP", forward("SIGTERM"));
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
    child.on("error", (error) => {
      process.stderr.write(`parkhub: ${error.message}\n`);
      resolve(1);
    });
  });
}
