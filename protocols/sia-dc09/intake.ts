import { createHash } from "node:crypto";
import { errorMessage } from "#core/errors.ts";
import type { DriverDeps } from "../driver.ts";
import { decrypt } from "./codec/cipher.ts";
import { type Content, parseContactId, parseContent, parseSia, type Report } from "./codec/content.ts";
import type { Frame } from "./codec/frame.ts";
import { negative, reply } from "./codec/reply.ts";
import type { SiaCounters } from "./counters.ts";
import type { Memory } from "./memory.ts";
import type { Panel } from "./panel.ts";
import { SecurityEvents } from "./security-events.ts";

export interface IntakeOptions {
  readonly deps: DriverDeps;
  readonly counters: SiaCounters;
  readonly memory: () => Memory;
  readonly panel: (account: string) => Panel | undefined;
  /** All configured panels: the gateway is known by them. */
  readonly panels: () => Iterable<Panel>;
  readonly windowBeforeMs: number;
  readonly windowAfterMs: number;
  readonly duplicateMs: number;
}

const FORMATS: ReadonlyMap<string, (data: string) => readonly Report[] | undefined> = new Map([
  ["SIA-DCS", parseSia],
  ["ADM-CID", parseContactId],
]);

/**
 * What becomes of each frame. The order is the standard's: is the account known, is the frame its own, is its time right, has it come
 * before; then it is stored, and only then acknowledged. [SIA DC-09 §5.5.2]
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #security: SecurityEvents;
  /** Frames that are being stored: their repeats wait for the same end. */
  readonly #storing = new Map<string, Promise<boolean>>();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#security = new SecurityEvents(options.deps, options.panels);
  }

  /** Accounts that called and are not configured, newest last. */
  get strangers(): ReadonlyMap<string, string> {
    return this.#security.strangers;
  }

  /** The reply, or undefined where none must be given. Never throws. */
  async take(frame: Frame, from: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#take(frame, from);
    } catch (error) {
      // as when the disk refuses to be read: the panel repeats what was not acknowledged
      this.#options.counters.notStored++;
      this.#options.deps.logger.error({ cause: errorMessage(error) }, "frame could not be taken, not acknowledged");
      return undefined;
    }
  }

  async #take(frame: Frame, from: string): Promise<Uint8Array | undefined> {
    const { counters, deps, panel: find } = this.#options;
    counters.frames++;
    const panel = find(frame.account);
    if (panel === undefined) {
      counters.unknownAccounts++;
      this.#security.unknownAccount(frame.account, from);
      return undefined;
    }
    const plain = this.#open(frame, panel, from);
    if (plain === undefined) return undefined;
    const content = parseContent(plain);
    const now = deps.clock.now();
    if (content === undefined) return this.#duh(frame, panel);
    if (!this.#timely(frame, content, now)) {
      counters.negative++;
      return negative(now, frame.binaryCrc);
    }
    panel.heard();
    if (frame.id === "NULL") return this.#acknowledge(frame, panel);
    const reports = FORMATS.get(frame.id)?.(content.data);
    if (reports === undefined) return this.#duh(frame, panel);
    const stored = await this.#store(frame, panel, content, reports);
    if (stored) return this.#acknowledge(frame, panel);
    counters.notStored++;
    return undefined;
  }

  /** The plain content; undefined when the frame is not the account's own. */
  #open({ encrypted, content }: Frame, panel: Panel, from: string): string | undefined {
    const { key } = panel;
    if (key === undefined && !encrypted) return content;
    const plain = key === undefined || !encrypted ? undefined : decrypt(content, key);
    if (plain !== undefined) return plain;
    this.#options.counters.notAuthentic++;
    this.#security.notAuthentic(panel, encrypted ? "wrongKey" : "notEncrypted", from);
    return undefined;
  }

  /** An encrypted frame without a time stamp could be played again at any time. [SIA DC-09 §5.5.1.9] */
  #timely({ encrypted }: Frame, { timestamp }: Content, now: number): boolean {
    if (timestamp === undefined) return !encrypted;
    const { windowBeforeMs, windowAfterMs } = this.#options;
    return timestamp >= now - windowBeforeMs && timestamp <= now + windowAfterMs;
  }

  #acknowledge(frame: Frame, panel: Panel): Uint8Array {
    this.#options.counters.acknowledged++;
    return reply("ACK", frame, this.#options.deps.clock.now(), panel.key);
  }

  #duh(frame: Frame, panel: Panel): Uint8Array {
    this.#options.counters.notUnderstood++;
    return reply("DUH", frame, this.#options.deps.clock.now(), panel.key);
  }

  /** Stores what a frame tells, once. False when it is not on the disk. */
  #store(frame: Frame, panel: Panel, content: Content, reports: readonly Report[]): Promise<boolean> {
    const { deps, duplicateMs, counters, memory } = this.#options;
    const id = identity(frame, content);
    const now = deps.clock.now();
    const takenAt = memory().takenAt(id);
    if (takenAt !== undefined && Math.abs(now - takenAt) < duplicateMs) {
      counters.duplicates++;
      return Promise.resolve(true);
    }
    const running = this.#storing.get(id);
    if (running !== undefined) {
      counters.duplicates++;
      return running;
    }
    // without a time stamp the same frame comes again after 9999 others, and is another event then
    const when = content.timestamp ?? Math.floor(now / duplicateMs);
    const taken = panel.take(reports, content, { id: `sia-${id}-${when}`, sequence: frame.sequence });
    // the states first: a crash in between must not let a zone seem normal that was told in alarm
    const work = memory()
      .remember({ states: { account: panel.account, values: taken.states } })
      .then(() => {
        taken.tell();
        return Promise.all(taken.events.map((event) => deps.storeEvent(event)));
      })
      .then(() => memory().remember({ seen: { id, at: now } }))
      .then(() => true)
      .catch((error: unknown) => {
        deps.logger.warn(
          { device: panel.device, cause: errorMessage(error) },
          "panel event not stored, not acknowledged",
        );
        return false;
      })
      .finally(() => this.#storing.delete(id));
    this.#storing.set(id, work);
    return work;
  }
}

/** The same frame has the same identity, however it was encrypted: account, receiver, line, sequence and what it says. [SIA DC-09 §5.5.1.4] */
function identity({ id, account, receiver, line, sequence }: Frame, { data, extended, timestamp }: Content): string {
  const parts = [id, account, receiver, line, sequence, data, extended, timestamp ?? null];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
