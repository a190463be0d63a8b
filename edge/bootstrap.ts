import { readFileSync } from "node:fs";
import type { Static } from "typebox";
import { type ReferenceSources, resolveReferences } from "#config/references.ts";
import { Bootstrap } from "#config/schema/bootstrap.ts";
import { type PathStep, showPath, YamlFile } from "#config/yaml-file.ts";
import { ConfigError, errorCode, InvalidInputError } from "#core/errors.ts";
import type { OutboxLimits } from "./outbox-limits.ts";

/** What a gateway is started with: the bootstrap file with `${VAR}` filled in, and its credential. */
export interface LoadedBootstrap {
  /** `broker` and `cloud` may still hold `${sim:name}`, which is filled in when it is needed. */
  readonly bootstrap: Static<typeof Bootstrap>;
  readonly username: string;
  readonly password: string;
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Fills the texts of the file in, at whatever depth, so that what is filled in is checked as all else. */
function fillVariables(yaml: YamlFile, env: Readonly<Record<string, string | undefined>>, problems: string[]): void {
  const seen = new Set<object>();
  const filled = (text: string, path: readonly PathStep[]): string =>
    text.replace(VARIABLE, (whole, name: string) => {
      const found = env[name];
      if (found === undefined)
        problems.push(`${yaml.where(path)} ${showPath(path)} expected a set environment variable ${name}, got nothing`);
      return found ?? whole;
    });
  const fill = (value: unknown, path: readonly PathStep[]): void => {
    // an alias of the file is the same object as what it names
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    for (const [key, field] of Object.entries(value) as [string, unknown][]) {
      const at = [...path, key];
      if (typeof field === "string") Reflect.set(value, key, filled(field, at));
      else fill(field, at);
    }
  };
  fill(yaml.value, []);
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8")) as unknown;
}

function readCredential(file: string): { username: string; password: string } | string {
  let value: unknown;
  try {
    value = readJson(file);
  } catch (error) {
    return `expected a JSON file {username, password}, got ${errorCode(error) === "UNEXPECTED" ? "no JSON" : errorCode(error)} for ${file}`;
  }
  if (typeof value === "object" && value !== null && "username" in value && "password" in value) {
    const { username, password } = value;
    if (typeof username === "string" && typeof password === "string") return { username, password };
  }
  return `expected {username, password} in ${file}, got something else`;
}

/**
 * Reads the bootstrap file of a gateway and its credential.
 * @throws CONFIG_INVALID with every fault at once, each `file:line:column path expected, got`
 */
export function loadBootstrap(file: string, env: Readonly<Record<string, string | undefined>>): LoadedBootstrap {
  const problems: string[] = [];
  const yaml = YamlFile.read(file, file, problems);
  if (yaml === undefined) throw new ConfigError("CONFIG_INVALID", problems);
  fillVariables(yaml, env, problems);
  const bootstrap = yaml.check(Bootstrap, problems);
  if (bootstrap === undefined || problems.length > 0) throw new ConfigError("CONFIG_INVALID", problems);
  for (const [key, protocols] of [
    ["broker", ["mqtt:", "mqtts:"]],
    ["cloud", ["http:", "https:"]],
  ] as const) {
    const address = bootstrap[key].replace(/\$\{sim:[^}]*\}/g, "1");
    const protocol = URL.canParse(address) ? new URL(address).protocol : "";
    if (!(protocols as readonly string[]).includes(protocol))
      problems.push(
        `${yaml.where([key])} /${key} expected an address ${protocols.join("// or ")}//..., got ${bootstrap[key]}`,
      );
  }
  const credential = readCredential(bootstrap.credential);
  if (typeof credential === "string") problems.push(`${yaml.where(["credential"])} /credential ${credential}`);
  if (problems.length > 0 || typeof credential === "string") throw new ConfigError("CONFIG_INVALID", problems);
  return { bootstrap, ...credential };
}

function lookUp(file: string | undefined, name: string): unknown {
  if (file === undefined) return undefined;
  let value: unknown;
  try {
    value = readJson(file);
  } catch (error) {
    throw new InvalidInputError("CONFIG_REFERENCE_FILE", `${file}: ${errorCode(error)}`, { cause: error });
  }
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** Where this gateway looks references up. The files are read anew each time, so that a changed port or secret is seen. */
export function referenceSources({ secrets, simPorts }: Pick<Bootstrap, "secrets" | "simPorts">): ReferenceSources {
  return {
    secret: (name) => {
      const value = lookUp(secrets, name);
      return typeof value === "string" ? value : undefined;
    },
    simPort: (name) => {
      const value = lookUp(simPorts, name);
      return typeof value === "number" || typeof value === "string" ? value : undefined;
    },
  };
}

const MB = 1024 * 1024;

/** The outbox limits that the bootstrap names. */
export function outboxLimits({ outbox = {} }: Pick<Bootstrap, "outbox">): Partial<OutboxLimits> {
  const { telemetryMb, eventsMb, reserveMb } = outbox;
  return {
    ...(telemetryMb === undefined ? {} : { telemetryBytes: telemetryMb * MB }),
    ...(eventsMb === undefined ? {} : { eventsBytes: eventsMb * MB }),
    ...(reserveMb === undefined ? {} : { reserveBytes: reserveMb * MB }),
  };
}

/** An address of the bootstrap with its `${sim:name}` filled in. @throws CONFIG_REFERENCE_UNKNOWN | CONFIG_REFERENCE_FILE */
export function resolveAddress(address: string, sources: ReferenceSources): string {
  return String(resolveReferences(address, sources));
}
