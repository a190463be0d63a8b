import { enableCompileCache } from "node:module";

enableCompileCache();
// After the cache is on, so that the rest of the program is loaded from it.
const { runPark } = await import("./park.ts");
await runPark();
