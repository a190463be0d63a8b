import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ConfigError, errorMessage } from "#core/errors.ts";

/** User name of every simulated camera. */
export const CAMERA_USER = "parkhub";
const CAMERA_SECRET = "demo-camera";

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

/** `sim-ports.json` of the data folder: `{<device>: port}`. The ports of the last run are asked for first, so that a restart moves nothing. */
export class PortsFile {
  readonly #file: JsonFile;
  readonly #former: Readonly<Record<string, number>>;
  readonly #ports: Record<string, number> = {};

  constructor(dataDir: string) {
    this.#file = new JsonFile(path.join(dataDir, "sim-ports.json"));
    this.#former = Object.fromEntries(
      Object.entries(this.#file.read() ?? {}).filter(([, port]) => Number.isInteger(port)),
    ) as Record<string, number>;
  }

  get ports(): Readonly<Record<string, number>> {
    return this.#ports;
  }

  /** Opens something on the port it had in the last run, or on a free one where that is taken. */
  async open<T>(name: string, open: (port: number) => Promise<T>, portOf: (opened: T) => number): Promise<T> {
    const former = this.#former[name] ?? 0;
    let opened: T;
    try {
      opened = await open(former);
    } catch (error) {
      if (former === 0) throw error;
      opened = await open(0);
    }
    this.#ports[name] = portOf(opened);
    return opened;
  }

  /** A port that was chosen elsewhere, or a further name of one. */
  add(name: string, port: number): void {
    this.#ports[name] = port;
  }

  save(): void {
    this.#file.write(this.#ports);
  }
}

/** `sim-counters.json` of the data folder: what meters have counted. */
export function countersFile(dataDir: string): JsonFile {
  return new JsonFile(path.join(dataDir, "sim-counters.json"));
}

/** Password of the simulated cameras: made once at random and kept in `sim-secrets.json` (mode 600). @throws SIM_FILE_INVALID */
export function cameraPassword(dataDir: string): string {
  const file = new JsonFile(path.join(dataDir, "sim-secrets.json"));
  const secrets = file.read() ?? {};
  const known = secrets[CAMERA_SECRET];
  if (typeof known === "string" && known !== "") return known;
  const made = randomBytes(18).toString("base64url");
  file.write({ ...secrets, [CAMERA_SECRET]: made }, 0o600);
  return made;
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
