import process from "node:process";
import { pino } from "pino";
import { brokerAddress, hostPort, readEnvironment } from "#config/environment.ts";
import { ConfigError, errorCode, errorMessage, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { loadScenarios } from "./scenario.ts";
import { type Park, startPark } from "./start.ts";

/*
 * `npm run sim -- [<site> | <scenario> [name=value ...]]`: the demo park on its own. A scenario is played in the park that
 * already runs at PARKHUB_SIM, else in one that is started for it.
 */

const EXIT_FAILED = 1;
/** The launcher does not start us again after this: the same would happen. */
const EXIT_CONFIG = 2;

interface Story {
  readonly name: string;
  readonly params: Readonly<Record<string, number | string>>;
}

const say = (text: string): void => {
  process.stderr.write(`simulators: ${text}\n`);
};

/** `name=value` arguments; a value that reads as a number is one. */
function paramsOf(texts: readonly string[]): Readonly<Record<string, number | string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name = "", value = ""] = /^([a-zA-Z]+)=(.*)$/.exec(text) ?? [];
      if (name === "") throw new InvalidInputError("SIM_ARGUMENT_INVALID", `expected name=value, got "${text}"`);
      return [name, value !== "" && Number.isFinite(Number(value)) ? Number(value) : value];
    }),
  );
}

function storyOf(site: string, [first, ...rest]: readonly string[]): Story | undefined {
  if (first === undefined || first === site || first === "demo-park") return undefined;
  const scenarios = loadScenarios();
  if (scenarios.has(first)) return { name: first, params: paramsOf(rest) };
  const known = [...scenarios.keys()].join(", ");
  throw new InvalidInputError("SIM_ARGUMENT_INVALID", `expected demo-park or a scenario (${known}), got "${first}"`);
}

/** Plays the story in a park that already runs; false when there is none. */
async function playedElsewhere(address: string, story: Story): Promise<boolean> {
  let response: Response;
  try {
    response = await fetch(`http://${address}/scenarios/${story.name}`, {
      method: "POST",
      body: JSON.stringify(story.params),
      signal: AbortSignal.timeout(3000),
    });
  } catch {
    return false;
  }
  const answer = (await response.json()) as Readonly<Record<string, unknown>>;
  if (!response.ok) throw new InvalidInputError(String(answer["code"]), String(answer["detail"]));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return true;
}

async function run(args: readonly string[]): Promise<void> {
  const environment = readEnvironment(process.env);
  const story = storyOf(environment.PARKHUB_SITE, args);
  if (story !== undefined && (await playedElsewhere(environment.PARKHUB_SIM, story))) return;
  const logger: Logger = pino({ level: "warn" }, pino.destination(2));
  const { host, port } = hostPort(environment.PARKHUB_SIM);
  say("starting the demo park ...");
  const park = await startPark({
    dataDir: environment.PARKHUB_DATA,
    controlHost: host,
    controlPort: port,
    mqttTarget: brokerAddress(environment),
    logger,
  });
  endWith(park);
  if (story !== undefined) park.scenario(story.name, story.params);
  say(`${park.pointCount} points on ${park.field.serverCount} servers; control port ${park.controlUrl}`);
  const ready = { ready: true, control: park.controlUrl, points: park.pointCount, ports: park.ports };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  // a failure is logged, and tried again when a client comes
  await park.field.warmUp().catch(() => undefined);
}

function endWith(park: Park): void {
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    park.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  // The launcher's channel: it is gone without having stopped us.
  process.on("disconnect", end);
}

function fail(error: unknown): void {
  const wrong = error instanceof ConfigError || error instanceof InvalidInputError;
  say(error instanceof ConfigError ? error.problems.join("\n") : errorMessage(error));
  process.exit(wrong || errorCode(error) === "SIM_CONTROL_PORT_IN_USE" ? EXIT_CONFIG : EXIT_FAILED);
}

/** Runs `npm run sim` with its arguments; ends the process with a code when it cannot. */
export async function runSimulators(args: readonly string[]): Promise<void> {
  try {
    await run(args);
  } catch (error) {
    fail(error);
  }
}
