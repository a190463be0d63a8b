// `npm run edge`: plain JavaScript, so that the compile cache is on before the first TypeScript file. Every thread that strips
// the types of even one file loads the compiler that does it, and keeps 15 to 20 MB for it as long as the thread lives.
import { createHash } from "node:crypto";
import { existsSync, globSync, statSync, writeFileSync } from "node:fs";
import { enableCompileCache, getCompileCacheDir } from "node:module";
import path from "node:path";
import process from "node:process";

const root = path.resolve(import.meta.dirname, "..");

/** Name of the mark that says: the cache holds exactly the sources as they are now. */
function mark() {
  const hash = createHash("sha256").update(root);
  for (const file of globSync("{config,core,edge,protocols}/**/*.{ts,mjs}", { cwd: root }).sort()) {
    const { mtimeMs, size } = statSync(path.join(root, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return `parkhub-gateway-${hash.digest("hex").slice(0, 16)}`;
}

/** Fills the cache in a process of its own, which takes the compiler with it. Where that fails the gateway runs all the same. */
async function fillCache(directory) {
  const file = path.join(directory, mark());
  if (existsSync(file)) return;
  const { spawnSync } = await import("node:child_process");
  const args = [...process.execArgv, path.join(import.meta.dirname, "compile.mjs")];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "ignore", timeout: 30_000 });
  if (status === 0) writeFileSync(file, "");
}

enableCompileCache();
const directory = getCompileCacheDir();
if (directory !== undefined) await fillCache(directory).catch(() => undefined);
const { runGateway } = await import("./run.ts");
await runGateway(process.argv.slice(2));
