/** A camera of the bench, in a process of its own: serves a film at 25 pictures a second, to as many as ask. Tells its port. */
import { readFileSync } from "node:fs";
import process from "node:process";
import { cutStrip } from "../unit/edge/video/film-strip.ts";
import { ScriptedCamera } from "../unit/edge/video/scripted-camera.ts";

const [file = ""] = process.argv.slice(2);
const camera = await ScriptedCamera.start(cutStrip("H264", readFileSync(file)), { rate: 25 });
process.on("disconnect", () => process.exit());
process.send?.({ port: camera.port });
