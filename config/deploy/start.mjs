// `npm start`: plain JavaScript for Node 20; everything else runs on the Node 24 that npm brings.
import process from "node:process";
import { ensureInstalled, runNode } from "./ensure.mjs";

ensureInstalled();
process.exitCode = await runNode(["config/deploy/launch.ts"]);
