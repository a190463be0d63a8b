import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

const STAMP = "cloud/console/dist/.sources";

/** Hash over all that the console is built from: its own sources, core, and the versions of the packages. */
function sourcesHash(root: string): string {
  const hash = createHash("sha256");
  const add = (file: string): void => {
    hash.update(file).update(readFileSync(path.join(root, file)));
  };
  for (const folder of ["cloud/console", "core"]) {
    const entries = readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
      .filter((file) => !file.includes(`${path.sep}dist${path.sep}`));
    for (const file of files.sort()) add(file);
  }
  add("package-lock.json");
  return hash.digest("hex");
}

/** Builds the console with Vite when its sources changed since the last build. Tells what it does; throws when the build fails. */
export async function buildConsoleIfStale(root: string, say: (text: string) => void): Promise<void> {
  const hash = sourcesHash(root);
  const stamp = path.join(root, STAMP);
  try {
    if (readFileSync(stamp, "utf8") === hash) return;
  } catch {
    // Never built.
  }
  say("building the console ...");
  const started = performance.now();
  const vite = path.join(root, "node_modules/vite/bin/vite.js");
  const child = spawn(process.execPath, [vite, "build", "cloud/console", "--logLevel", "warn"], {
    cwd: root,
    // Whatever the caller is, a test too: the build that is kept is the one for users.
    env: { ...process.env, NODE_ENV: "production" },
    stdio: "inherit",
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("exit", resolve);
    child.once("error", reject);
  });
  if (code !== 0) throw new Error(`the console could not be built: vite ended with ${code}`);
  writeFileSync(stamp, hash);
  say(`console built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
