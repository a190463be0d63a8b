// `npm run check`: lint, types of server and console, architecture, citations. Plain JavaScript for Node 20.
import { spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { ensureInstalled, root, runtime, toolEnvironment } from "../config/deploy/ensure.mjs";

ensureInstalled();
const modules = path.join(root, "node_modules");
const steps = {
  lint: [
    path.join(modules, "@biomejs/biome/bin/biome"),
    "check",
    "--error-on-warnings",
    "--no-errors-on-unmatched",
    ".",
  ],
  types: [path.join(modules, "typescript/bin/tsc")],
  "console types": [path.join(modules, "typescript/bin/tsc"), "-p", "cloud/console"],
  "architecture and citations": [
    path.join(modules, "vitest/vitest.mjs"),
    "run",
    "--config",
    "tests/vitest.config.ts",
    "--reporter=dot",
    "tests/architecture.test.ts",
    "tests/citations.test.ts",
  ],
};

/** Runs one step; resolves with whether it was clean. Its output is shown only when it was not. */
function run([name, args]) {
  return new Promise((resolve) => {
    const child = spawn(runtime(), args, { cwd: root, env: toolEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
    const output = [];
    child.stdout.on("data", (chunk) => output.push(chunk));
    child.stderr.on("data", (chunk) => output.push(chunk));
    child.on("close", (code) => {
      process.stdout.write(`${code === 0 ? "ok  " : "FAIL"} ${name}\n`);
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      resolve(code === 0);
    });
  });
}

const results = await Promise.all(Object.entries(steps).map(run));
process.exitCode = results.every(Boolean) ? 0 : 1;
