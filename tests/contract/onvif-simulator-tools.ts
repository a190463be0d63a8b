import { spawn } from "node:child_process";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { serveCamera } from "#simulators/servers/onvif.ts";
import { CREDENTIALS, dome } from "./onvif-field.ts";

/**
 * Runs inside a network namespace of its own, where multicast stays in the loopback: serves a camera that can be found, and
 * lets the program named first talk to it. What it prints is printed, and then what was asked of the camera.
 */
const [, , program = "", ...commands] = process.argv;
const camera = dome();
// The library of these tools makes the same nonce for all requests of a second, so that two of one millisecond are equal.
const options = { ...CREDENTIALS, discovery: { multicast: true }, allowsReplay: true };
const server = await serveCamera(camera, options, silentLogger);
const stopPhysics = systemClock.every(50, () => camera.step(0.05, systemClock.now()));

function run(args: readonly string[], input: string): Promise<string> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], timeout: 5000 });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    output += String(chunk);
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(output));
  });
}

/** The program listens for half a second only; on a busy machine an answer may come later. */
async function runUntil(found: string, args: readonly string[], input: string): Promise<string> {
  let output = "";
  for (let attempt = 0; attempt < 8 && !output.includes(found); attempt++) output = await run(args, input);
  return output;
}

process.stdout.write(await runUntil("Found 1 cameras", ["-a"], ""));
const session = `${[...commands, "quit"].join("\n")}\n`;
const signIn = ["-u", CREDENTIALS.username, "-p", CREDENTIALS.password, "127.0.0.1"];
process.stdout.write(await runUntil("successfully connected", signIn, session));
process.stdout.write(`brightness ${camera.read("brightness")}\nrequests ${[...server.requests.keys()].join(" ")}\n`);
stopPhysics();
await server.close();
