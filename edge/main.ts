import { enableCompileCache } from "node:module";

enableCompileCache();
// after the cache is on, so that the rest of the program is loaded from it
const { runGateway } = await import("./run.ts");
await runGateway(process.argv.slice(2));
