import { mkdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError, errorMessage } from "#core/errors.ts";
import { type Environment, readEnvironment } from "../environment.ts";
import { buildConsoleIfStale } from "./console-build.ts";
import { lockDataFolder } from "./data-lock.ts";
import { Part } from "./part.ts";
import { signInLine } from "./sign-in.ts";

/*
 * `npm start`: the parent of the whole demo park. Starts simulators, cloud and gateway, restarts a killed one within a
 * second, and ends all of them when it ends.
 */

const root = path.resolve(import.meta.dirname, "../..");
const say = (text: string): void => {
  process.stdout.write(`parkhub: ${text}\n`);
};

function environmentOrExit(): Environment {
  try {
    return readEnvironment(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? error.problems.join("\n") : errorMessage(error)}\n`);
    process.exit(2);
  }
}

async function readiness(http: string): Promise<{ ready: boolean; waiting: string }> {
  try {
    const response = await fetch(`http://${http}/readyz`, { signal: AbortSignal.timeout(1000) });
    const body = (await response.json()) as { parts?: Record<string, { ready: boolean }> };
    const waiting = Object.entries(body.parts ?? {}).filter(([, part]) => !part.ready);
    return { ready: response.status === 200, waiting: waiting.map(([name]) => name).join(", ") };
  } catch {
    return { ready: false, waiting: "cloud" };
  }
}

/** Runs the whole park until it is asked to stop. */
export async function runPark(): Promise<void> {
  const environment = environmentOrExit();
  const data = path.resolve(root, environment.PARKHUB_DATA);
  mkdirSync(path.join(data, "run"), { recursive: true });
  const unlock = lockDataFolder(data);
  if (unlock === undefined) {
    process.stderr.write(
      `parkhub: ${data} is in use by another parkhub (pid in run/launcher.pid); set PARKHUB_DATA to use another folder\n`,
    );
    process.exit(2);
  }

  const env = { ...process.env, ...environment, PARKHUB_DATA: data };
  const bootstrap = `config/sites/${environment.PARKHUB_SITE}/bootstrap/gw-1.yaml`;
  const part = (name: string, args: readonly string[]): Part =>
    new Part({ name, args, root, data, env, say, fail: (code) => void stop(code) });
  const simulators = part("simulators", ["simulators/main.ts", environment.PARKHUB_SITE]);
  const cloud = part("cloud", ["cloud/main.ts"]);
  // as in `npm run edge`: a small young generation keeps the gateway small
  const gateway = part("gw-1", ["--max-semi-space-size=2", "edge/start.mjs", "--config", bootstrap]);
  const parts = [gateway, cloud, simulators];

  let stopping = false;
  async function stop(code: number): Promise<void> {
    if (stopping) return;
    stopping = true;
    say("stopping ...");
    await Promise.all(parts.map((one) => one.stop()));
    unlock?.();
    say("stopped");
    process.exit(code);
  }
  process.on("SIGINT", () => void stop(0));
  process.on("SIGTERM", () => void stop(0));
  process.on("SIGHUP", () => void stop(0));

  const started = performance.now();
  say(`starting the site ${environment.PARKHUB_SITE}; data and logs in ${data}`);
  simulators.start();
  cloud.start();
  try {
    await buildConsoleIfStale(root, say);
  } catch (error) {
    process.stderr.write(`parkhub: ${errorMessage(error)}; see above\n`);
    await stop(1);
  }
  let told = "";
  for (;;) {
    const { ready, waiting } = await readiness(environment.PARKHUB_HTTP);
    if (ready || stopping) break;
    if (!gateway.running && waiting !== "cloud") gateway.start();
    if (waiting !== told) say(`waiting for ${waiting}`);
    told = waiting;
    await sleep(200);
  }
  if (stopping) return;
  say(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  say(`console    http://${environment.PARKHUB_HTTP}`);
  say(`sign in    ${signInLine(data, environment.PARKHUB_ADMIN_PASSWORD !== undefined)}`);
  say(`API        http://${environment.PARKHUB_HTTP}/api/docs`);
  say(
    `simulators http://${environment.PARKHUB_SIM}  (curl -X POST http://${environment.PARKHUB_SIM}/scenarios/intrusion-zone-3)`,
  );
  say("Ctrl-C stops everything");
}
