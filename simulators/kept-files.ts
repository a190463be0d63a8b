import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { ConfigError, errorMessage, HubError } from "#core/errors.ts";

/** User name of the hub at every simulated device that knows users. */
export const FIELD_USER = "parkhub";

/** Secrets of the simulated devices; site files refer to them as `secret:<name>`. */
export const FIELD_SECRETS = ["demo-camera", "demo-doors", "demo-opcua", "demo-burglar-key"] as const;
export type FieldSecrets = Readonly<Record<(typeof FIELD_SECRETS)[number], string>>;

/** Below the ports that systems give out by themselves, above those of services. [RFC 6335 §6] */
const LISTENER_PORTS = [20_000, 29_999] as const;
const PORT_ATTEMPTS = 20;
const OPEN_ATTEMPTS = 5;

/** A JSON object in a file that readers never see half written. */
export class JsonFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Undefined where there is no file. @throws SIM_FILE_INVALID */
  read(): Readonly<Record<string, unknown>> | undefined {
    return readJson(this.#file);
  }

  write(value: unknown, mode = 0o644): void {
    mkdirSync(path.dirname(this.#file), { recursive: true });
    const draft = `${this.#file}.${process.pid}.new`;
    writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode });
    renameSync(draft, this.#file);
  }
}

/**
 * `sim-ports.json` of the data folder: `{<device>: port}`, and `{<server>-thumbprint: SHA-1}`. The ports of the last run are asked
 * for first, so that a restart moves nothing.
 */
export class PortsFile {
  readonly #file: JsonFile;
  readonly #former: Readonly<Record<string, number>>;
  readonly #ports: Record<string, number> = {};
  readonly #thumbprints: Record<string, string> = {};

  constructor(dataDir: string) {
    this.#file = new JsonFile(path.join(dataDir, "sim-ports.json"));
    this.#former = Object.fromEntries(
      Object.entries(this.#file.read() ?? {}).filter(([, port]) => Number.isInteger(port)),
    ) as Record<string, number>;
  }

  get ports(): Readonly<Record<string, number>> {
    return this.#ports;
  }

  /**
   * Opens something on the port it had in the last run, or on another where that is taken: on one that nobody is given by chance
   * while the simulators are away.
   */
  async open<T>(name: string, open: (port: number) => Promise<T>, portOf: (opened: T) => number): Promise<T> {
    const [least, most] = LISTENER_PORTS;
    let port = this.#former[name] ?? randomInt(least, most + 1);
    for (let attempt = 1; ; attempt++) {
      try {
        const opened = await open(port);
        this.#ports[name] = portOf(opened);
        return opened;
      } catch (error) {
        if (attempt === OPEN_ATTEMPTS) throw error;
        port = randomInt(least, most + 1);
      }
    }
  }

  /** A port that was chosen elsewhere, or a further name of one. */
  add(name: string, port: number): void {
    this.#ports[name] = port;
  }

  /**
   * A port on which a gateway shall listen for simulated devices that dial: chosen once and kept, never listened on here.
   * @throws SIM_NO_FREE_PORT
   */
  async choose(name: string): Promise<number> {
    const [least, most] = LISTENER_PORTS;
    let port = this.#former[name];
    for (let attempt = 0; port === undefined && attempt < PORT_ATTEMPTS; attempt++) {
      const candidate = randomInt(least, most + 1);
      if (await isFree(candidate)) port = candidate;
    }
    if (port === undefined) throw new HubError("SIM_NO_FREE_PORT", `no free port from ${least} to ${most} for ${name}`);
    this.#ports[name] = port;
    return port;
  }

  /** The certificate by which a server is known. */
  addThumbprint(server: string, thumbprint: string): void {
    this.#thumbprints[`${server}-thumbprint`] = thumbprint;
  }

  save(): void {
    this.#file.write({ ...this.#ports, ...this.#thumbprints });
  }
}

/** `sim-counters.json` of the data folder: what meters have counted. */
export function countersFile(dataDir: string): JsonFile {
  return new JsonFile(path.join(dataDir, "sim-counters.json"));
}

/** Secrets of the simulated devices: made once at random and kept in `sim-secrets.json` (mode 600). @throws SIM_FILE_INVALID */
export function fieldSecrets(dataDir: string): FieldSecrets {
  const file = new JsonFile(path.join(dataDir, "sim-secrets.json"));
  const known = file.read() ?? {};
  const secrets = Object.fromEntries(
    FIELD_SECRETS.map((name) => {
      const kept = known[name];
      if (typeof kept === "string" && kept !== "") return [name, kept];
      // AES-128 for the key, about as many bits for passwords
      return [name, name.endsWith("-key") ? randomBytes(16).toString("hex") : randomBytes(18).toString("base64url")];
    }),
  ) as FieldSecrets;
  if (FIELD_SECRETS.some((name) => known[name] !== secrets[name])) file.write({ ...known, ...secrets }, 0o600);
  return secrets;
}

/** Can somebody listen there now? */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

function readJson(file: string): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError("SIM_FILE_INVALID", [`${file} expected a readable file: ${errorMessage(error)}`]);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new ConfigError("SIM_FILE_INVALID", [`${file}:1:1 / expected a JSON object; delete the file to start anew`]);
}
