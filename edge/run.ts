import process from "node:process";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { type Environment, readEnvironment } from "#config/environment.ts";
import { ConfigError, errorCode, errorMessage } from "#core/errors.ts";
import { type Agent, startAgent } from "./agent.ts";
import { type LoadedBootstrap, loadBootstrap, outboxLimits, referenceSources } from "./bootstrap.ts";

/** Exit code for wrong configuration: starting again would not help. */
const EXIT_CONFIG = 2;
const EXIT_FAILED = 1;
/** A part that hangs must not keep the process from ending, ms. */
const STOP_WITHIN_MS = 7_000;

function configFile(args: readonly string[]): string {
  const usage = "usage: npm run edge -- --config <bootstrap file>";
  let file: string | undefined;
  try {
    file = parseArgs({ args: [...args], options: { config: { type: "string" } } }).values.config;
  } catch (error) {
    throw new ConfigError("CONFIG_INVALID", [`command line: ${errorMessage(error)}; ${usage}`]);
  }
  if (file === undefined)
    throw new ConfigError("CONFIG_INVALID", [`command line: expected --config, got none; ${usage}`]);
  return file;
}

function loadOrExit(args: readonly string[]): { loaded: LoadedBootstrap; environment: Environment } {
  try {
    const environment = readEnvironment(process.env);
    return { loaded: loadBootstrap(configFile(args), process.env), environment };
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? error.problems.join("\n") : errorMessage(error)}\n`);
    process.exit(EXIT_CONFIG);
  }
}

/** Runs one gateway until SIGTERM, SIGINT or the end of the launcher. Wrong configuration: every fault on stderr, exit code 2. */
export async function runGateway(args: readonly string[]): Promise<void> {
  const { loaded, environment } = loadOrExit(args);
  const { bootstrap } = loaded;
  const { PARKHUB_LOG: level, PARKHUB_FFMPEG: ffmpeg } = environment;
  const logger = pino({ level, base: { gateway: `${bootstrap.site}/${bootstrap.gateway}` } });
  let agent: Agent | undefined;
  let ending = false;
  const end = (code: number, reason: string): void => {
    if (ending) return;
    ending = true;
    logger.info({ reason }, "gateway stopping");
    const force = setTimeout(() => process.exit(code === 0 ? EXIT_FAILED : code), STOP_WITHIN_MS);
    force.unref();
    Promise.resolve(agent?.stop())
      .catch((error: unknown) => logger.error({ cause: errorMessage(error) }, "gateway did not stop cleanly"))
      .finally(() => process.exit(code));
  };
  process.once("SIGTERM", () => end(0, "SIGTERM"));
  process.once("SIGINT", () => end(0, "SIGINT"));
  // the launcher is gone without having stopped us
  process.once("disconnect", () => end(0, "launcher gone"));
  try {
    agent = await startAgent({
      ...loaded,
      references: referenceSources(bootstrap),
      logger,
      limits: outboxLimits(bootstrap),
      ...(ffmpeg === undefined ? {} : { ffmpeg }),
      onFatal: () => end(EXIT_FAILED, "fatal error"),
    });
    logger.info({}, "gateway started");
  } catch (error) {
    logger.error({ code: errorCode(error), cause: errorMessage(error) }, "gateway cannot start");
    end(EXIT_FAILED, "start failed");
  }
}
