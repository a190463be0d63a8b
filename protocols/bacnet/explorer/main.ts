import { enableCompileCache } from "node:module";
import { systemClock } from "#core/clock.ts";

enableCompileCache();
const { runExplorer } = await import("./run.ts");
const interrupted = new AbortController();
// the first Ctrl-C ends cleanly, the second one at once
process.once("SIGINT", () => interrupted.abort());
process.once("SIGTERM", () => interrupted.abort());
// who reads may have enough, as `head` has
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  interrupted.abort();
});
process.exitCode = await runExplorer(process.argv.slice(2), {
  clock: systemClock,
  signal: interrupted.signal,
  out: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(text),
});
