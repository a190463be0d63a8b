import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { Check } from "typebox/value";
import type { Clock } from "#core/clock.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import { ConfigNotice } from "#core/contracts/lanes.ts";
import { CommunicationError, errorCode, errorMessage, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { Backoff } from "./backoff.ts";
import { type CheckedBundle, checkBundle } from "./bundle-check.ts";
import { askCloud, succeeded } from "./cloud-request.ts";
import type { DriverSource } from "./driver-modules.ts";
import type { Outbox } from "./outbox.ts";

const RECORD = "config";
const REPORTED = "reported";
const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 30_000;
/** Most errors told in one answer: the events lane is no place for a book. */
const MAX_ERRORS = 100;

export interface ConfigurationOptions {
  readonly site: string;
  readonly gateway: string;
  /** File of the last good bundle. */
  readonly file: string;
  /** HTTP address of the cloud, asked for at each fetch. */
  readonly cloud: () => string;
  /** Value of the Authorization header. */
  readonly authorization: string;
  readonly drivers: ReadonlyMap<string, DriverSource>;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
  /** Makes the gateway run a bundle that was checked. */
  readonly apply: (bundle: Bundle) => Promise<void>;
}

/**
 * Which bundle the gateway runs. A notice from the cloud is fetched, verified by its hash and checked in full before anything
 * changes; a bundle with faults is reported and the last good one goes on. That one is kept on the disk, so that the gateway
 * starts without the cloud.
 */
export class Configuration {
  readonly #options: ConfigurationOptions;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  #wanted: ConfigNotice | undefined;
  #runs: { readonly version: number; readonly sha256: string } | undefined;
  #refused: string | undefined;
  #working: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(options: ConfigurationOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ firstMs: 500, longestMs: 60_000, random: options.random ?? Math.random });
  }

  /** Version of the bundle that runs; undefined before the first. */
  get version(): number | undefined {
    return this.#runs?.version;
  }

  /** Starts from the kept bundle, if there is one that this program can run. */
  async start(): Promise<void> {
    const { file, apply, logger } = this.#options;
    let body: Buffer;
    try {
      body = await readFile(file);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") logger.error({ file, cause: errorMessage(error) }, "kept bundle unreadable");
      return;
    }
    const checked = this.#check(body);
    if ("errors" in checked) {
      logger.error(
        { file, errors: checked.errors.slice(0, MAX_ERRORS) },
        "kept bundle cannot be run, waiting for another",
      );
      return;
    }
    await apply(checked.bundle);
    this.#runs = { version: checked.bundle.version, sha256: hashOf(body) };
    logger.info({ version: checked.bundle.version }, "started from the kept bundle");
  }

  /** Takes the payload of the retained notice. */
  notice(payload: Uint8Array): void {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(payload).toString("utf8"));
    } catch (error) {
      this.#options.logger.warn({ cause: errorMessage(error) }, "configuration notice is no JSON");
      return;
    }
    if (!Check(ConfigNotice, value)) {
      this.#options.logger.warn({}, "configuration notice of an unknown shape");
      return;
    }
    this.#wanted = value;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#work();
  }

  #work(): void {
    if (this.#working !== undefined || this.#abort.signal.aborted) return;
    this.#working = this.#takeWanted()
      .catch((error: unknown) => this.#retry(error))
      .finally(() => {
        this.#working = undefined;
      });
  }

  #retry(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const delayMs = Math.round(this.#backoff.next());
    this.#options.logger.warn({ cause: errorMessage(error), delayMs }, "bundle not fetched, trying again");
    this.#cancelRetry = this.#options.clock.after(delayMs, () => this.#work());
  }

  async #takeWanted(): Promise<void> {
    for (;;) {
      const notice = this.#wanted;
      if (notice === undefined) return;
      if (notice.sha256 !== this.#runs?.sha256 && notice.sha256 !== this.#refused) await this.#take(notice);
      else if (notice.sha256 === this.#runs?.sha256) this.#report(notice, []);
      this.#backoff.reset();
      // another one may have come meanwhile
      if (this.#wanted === notice) return;
    }
  }

  async #take(notice: ConfigNotice): Promise<void> {
    const { apply, logger } = this.#options;
    const body = await this.#fetch(notice);
    const checked = this.#check(body);
    const errors = "errors" in checked ? checked.errors : versionProblem(checked.bundle, notice);
    if ("errors" in checked || errors.length > 0) {
      logger.error(
        { version: notice.version, errors: errors.slice(0, MAX_ERRORS) },
        "bundle refused, the last good one goes on",
      );
      this.#refused = notice.sha256;
      this.#report(notice, errors);
      return;
    }
    await apply(checked.bundle);
    await this.#keep(body);
    this.#runs = { version: notice.version, sha256: notice.sha256 };
    this.#refused = undefined;
    this.#report(notice, []);
    logger.info({ version: notice.version }, "bundle applied");
  }

  #check(body: Buffer): CheckedBundle {
    const { site, gateway, drivers } = this.#options;
    try {
      return checkBundle(JSON.parse(body.toString("utf8")), { site, gateway }, drivers);
    } catch (error) {
      return { errors: [`expected a bundle in JSON, got: ${errorMessage(error)}`] };
    }
  }

  async #fetch({ url, sha256 }: ConfigNotice): Promise<Buffer> {
    const cloud = new URL(this.#options.cloud());
    const address = new URL(url, cloud);
    // the credential goes to our cloud only
    if (address.origin !== cloud.origin)
      throw new InvalidInputError("BUNDLE_ADDRESS_FOREIGN", `expected a path below ${cloud.origin}, got ${url}`);
    const response = await askCloud(address, {
      method: "GET",
      headers: { authorization: this.#options.authorization },
      signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]),
    });
    if (!succeeded(response)) {
      response.destroy();
      const { statusCode } = response;
      throw new CommunicationError("BUNDLE_NOT_FETCHED", `${address.pathname}: the cloud answered ${statusCode}`);
    }
    const body = await readAtMost(response, MAX_BUNDLE_BYTES);
    const found = hashOf(body);
    if (found !== sha256)
      throw new CommunicationError("BUNDLE_HASH_MISMATCH", `${address.pathname}: expected ${sha256}, got ${found}`);
    return body;
  }

  async #keep(body: Buffer): Promise<void> {
    const { file } = this.#options;
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(`${file}.part`, "w", 0o600);
    try {
      await handle.writeFile(body);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.part`, file);
  }

  /** Once for each notice and outcome, also over a restart: the events lane keeps it until the cloud has it. */
  #report({ version, sha256 }: ConfigNotice, errors: readonly string[]): void {
    const { outbox } = this.#options;
    const outcome = { version, sha256, ok: errors.length === 0 };
    if (JSON.stringify(outbox.records(RECORD).get(REPORTED)) === JSON.stringify(outcome)) return;
    outbox.put(RECORD, REPORTED, outcome);
    outbox.append("events", { kind: "configApplied", version, errors: errors.slice(0, MAX_ERRORS) });
  }

  /** Fetches no more; resolves when what was under way has ended. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelRetry?.();
    await this.#working;
  }
}

function hashOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}

function versionProblem(bundle: Bundle, notice: ConfigNotice): readonly string[] {
  return bundle.version === notice.version ? [] : [`expected version ${notice.version}, got ${bundle.version}`];
}

async function readAtMost(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > limit) throw new CommunicationError("BUNDLE_TOO_LARGE", `bundle of more than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
