import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import path from "node:path";
import { NotifyError } from "./errors.ts";

type Secrets = Readonly<Record<string, string>>;

/**
 * The secrets of the channels, in a file of the data folder that only the hub's user may read (mode 600). Not in the record
 * database: that is copied, backed up and served from elsewhere by people who need not know them, and a key to encrypt them with
 * would lie in this folder all the same.
 */
export class SecretFile {
  readonly #file: string;
  #kept: ReadonlyMap<string, Secrets>;

  /** Reads what is there. @throws NOTIFY_SECRETS_INVALID */
  constructor(file: string) {
    this.#file = file;
    this.#kept = existsSync(file) ? read(file) : new Map();
  }

  /** The secrets of a channel. */
  of(channel: string): Secrets {
    return this.#kept.get(channel) ?? {};
  }

  /** Changes some of a channel's: an empty one is removed. */
  change(channel: string, changed: Secrets): void {
    if (Object.keys(changed).length === 0) return;
    const kept = Object.entries({ ...this.of(channel), ...changed }).filter(([, value]) => value !== "");
    this.#write(new Map([...this.#kept, [channel, Object.fromEntries(kept)]]));
  }

  /** Forgets a channel's. */
  remove(channel: string): void {
    if (!this.#kept.has(channel)) return;
    this.#write(new Map([...this.#kept].filter(([id]) => id !== channel)));
  }

  /** Whole or not at all: written aside and put in place. */
  #write(secrets: ReadonlyMap<string, Secrets>): void {
    mkdirSync(path.dirname(this.#file), { recursive: true });
    const aside = `${this.#file}.new`;
    const handle = openSync(aside, "w", 0o600);
    try {
      writeSync(handle, `${JSON.stringify(Object.fromEntries(secrets), null, 2)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(aside, this.#file);
    this.#kept = secrets;
  }
}

function isSecrets(value: unknown): value is Secrets {
  return typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "string");
}

function read(file: string): ReadonlyMap<string, Secrets> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof value !== "object" || value === null || !Object.values(value).every(isSecrets))
      throw new TypeError("expected an object of objects of texts");
    return new Map(Object.entries(value as Record<string, Secrets>));
  } catch {
    // The cause of JSON.parse quotes the text: it would carry a secret into the log.
    throw new NotifyError("NOTIFY_SECRETS_INVALID", `${file}: expected JSON with the secrets of the channels`);
  }
}

/** A text without these secrets. */
export function withoutSecrets(text: string, secrets: Secrets): string {
  const hidden = Object.values(secrets).filter((secret) => secret.length > 0);
  return hidden
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
}
