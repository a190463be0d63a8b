// Loads all that a gateway and its driver threads load, runs none of it and ends: what remains is the compile cache.
import { enableCompileCache } from "node:module";

enableCompileCache();
await import("./run.ts");
const { loadDriverSources, REGISTRY_MODULE } = await import("./driver-modules.ts");
const sources = await loadDriverSources([REGISTRY_MODULE]);
await Promise.all(Array.from(sources.values(), ({ module }) => import(module)));
// they run in a thread only and say so; they are compiled by then
await import("./driver-worker.ts").catch(() => undefined);
await import("./video/worker.ts").catch(() => undefined);
