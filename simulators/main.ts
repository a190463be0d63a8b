import { enableCompileCache } from "node:module";

enableCompileCache();
// after the cache is on, so that the rest of the program is loaded from it
const { runSimulators } = await import("./run.ts");
await runSimulators(process.argv.slice(2));
