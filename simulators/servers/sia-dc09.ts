import { type Clock, systemClock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import { decrypt, encrypt } from "#protocols/sia-dc09/codec/cipher.ts";
import { type Frame, FrameReader, formatFrame } from "#protocols/sia-dc09/codec/frame.ts";
import { formatTimestamp, parseTimestamp } from "#protocols/sia-dc09/codec/timestamp.ts";
import type { FieldServer, SignalValue, SimulatedDevice } from "../device.ts";
import { PanelFaults } from "./sia-dc09/faults.ts";
import { PanelLine } from "./sia-dc09/line.ts";
import { type ReportFormat, reportOf, testReport } from "./sia-dc09/reports.ts";

/** How a simulated panel reports. */
export interface PanelOptions {
  /** Where the receiver listens: a panel dials. `port` is asked for at each call, so that the receiver may come later. */
  readonly receiver: { readonly host: string; readonly port: () => number };
  readonly account: string;
  /** AES key, hexadecimal; absent: plain frames. */
  readonly key?: string;
  readonly format?: ReportFormat;
  readonly transport?: "tcp" | "udp";
  /** A NULL frame at least so often, ms; 20000 when absent. */
  readonly supervisionMs?: number;
  /** An answer is waited for so long, ms; 2000 when absent. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** A panel on its line, and what it did there. */
export interface PanelServer extends FieldServer {
  readonly faults: PanelFaults;
  /** Frames sent, and answers by kind. */
  counters(): Readonly<Record<"sent" | "ACK" | "NAK" | "DUH" | "none", number>>;
  /** Reports that wait for an acknowledgement. */
  readonly waiting: number;
  /** Sends a report as it is given, as an installer's test does. */
  report(data: string): void;
}

const SCAN_EVERY_MS = 50;
const MAX_WAITING = 1_000;
const RETRY_MS = 300;
const LONGEST_RETRY_MS = 5_000;
const MAX_SEQUENCE = 9_999;
const SAME_FRAME_MS = 15_000;
const DEFAULTS = { supervisionMs: 20_000, timeoutMs: 2_000 } as const;

type Answer = "ACK" | "NAK" | "DUH" | "none";

/** Reports every change of the device's signals until the receiver has acknowledged it, one frame after the other. [SIA DC-09 §5.3] */
class PanelOnLine implements PanelServer {
  readonly faults = new PanelFaults();
  readonly #device: SimulatedDevice;
  readonly #options: PanelOptions;
  readonly #format: ReportFormat;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #line: PanelLine;
  readonly #key: Uint8Array | undefined;
  readonly #known = new Map<string, SignalValue>();
  readonly #queue: string[] = [];
  readonly #counters: Record<Answer | "sent", number> = { sent: 0, ACK: 0, NAK: 0, DUH: 0, none: 0 };
  #cancelScan = (): void => undefined;
  #cancelReboot = (): void => undefined;
  #endPause = (): void => undefined;
  #sequence = 0;
  #heardAt = -Infinity;
  #running: Promise<void> | undefined;
  #silent = false;
  #closed = false;
  /** Set by a NAK: the receiver's clock minus the panel's, ms, while that ran so far ahead. */
  #correction = { ms: 0, driftMs: 0 };

  constructor(device: SimulatedDevice, options: PanelOptions, logger: Logger) {
    this.#device = device;
    this.#options = options;
    this.#format = options.format ?? "SIA-DCS";
    this.#clock = options.clock ?? systemClock;
    this.#logger = logger;
    this.#key = options.key === undefined ? undefined : Buffer.from(options.key, "hex");
    this.#line = new PanelLine({
      ...options.receiver,
      transport: options.transport ?? "tcp",
      timeoutMs: options.timeoutMs ?? DEFAULTS.timeoutMs,
      clock: this.#clock,
    });
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#options.receiver.host, port: this.#options.receiver.port() };
  }
  get waiting(): number {
    return this.#queue.length;
  }
  counters(): Readonly<Record<Answer | "sent", number>> {
    return { ...this.#counters };
  }

  start(): void {
    // a panel tells at its start how it stands: armed or not, and that it is there
    const armed = this.#device.signals.some(({ name }) => name === "armed") ? this.#device.read("armed") : undefined;
    for (const { name } of this.#device.signals) this.#known.set(name, this.#device.read(name));
    if (armed !== undefined) this.#enqueue(reportOf("armed", armed, this.#format));
    this.#enqueue(testReport(this.#format));
    for (const [name, value] of this.#known)
      if (value === true && name !== "armed") this.#enqueue(reportOf(name, value, this.#format));
    this.#cancelScan = this.#clock.every(SCAN_EVERY_MS, () => this.#scan());
  }

  #scan(): void {
    for (const { name } of this.#device.signals) {
      const value = this.#device.read(name);
      if (value === this.#known.get(name)) continue;
      this.#known.set(name, value);
      this.#enqueue(reportOf(name, value, this.#format));
    }
    this.#pump();
  }

  report(data: string): void {
    this.#enqueue(data);
    this.#pump();
  }

  #enqueue(data: string | undefined): void {
    if (data === undefined) return;
    // a real panel's memory is small too: the oldest go
    // that which is under way stays: it is taken away when it is acknowledged
    if (this.#queue.length >= MAX_WAITING) this.#queue.splice(this.#running === undefined ? 0 : 1, 1);
    this.#queue.push(data);
  }

  #pump(): void {
    const due = this.#clock.monotonic() - this.#heardAt >= (this.#options.supervisionMs ?? DEFAULTS.supervisionMs);
    if (this.#running !== undefined || this.#silent || this.#closed || (this.#queue.length === 0 && !due)) return;
    this.#running = this.#send(this.#queue[0]).finally(() => {
      this.#running = undefined;
      if (!this.#closed && this.#queue.length > 0) this.#clock.after(0, () => this.#pump());
    });
  }

  /** Sends one report, or NULL where there is none, until it is acknowledged. The frame stays the same over its repeats. */
  async #send(data: string | undefined): Promise<void> {
    this.#sequence = (this.#sequence % MAX_SEQUENCE) + 1;
    let at = this.#clock.now();
    for (let attempt = 0; !this.#closed && !this.#silent; attempt++) {
      // a repeat is the same frame, until its time is one that no receiver takes any more
      if (this.#clock.now() - at > SAME_FRAME_MS) at = this.#clock.now();
      const answer = await this.#exchange(data, at);
      this.#counters[answer]++;
      if (answer === "ACK" || answer === "DUH") {
        this.#heardAt = this.#clock.monotonic();
        if (data !== undefined) this.#queue.shift();
        if (answer === "DUH") this.#logger.warn({ data }, "receiver does not understand a report");
        return;
      }
      if (data === undefined && answer === "none") return await this.#pause(attempt);
      // the clock is right after the first NAK: who says it again is not to be answered at once
      if (answer === "none" || attempt > 0) await this.#pause(attempt);
    }
  }

  #pause(attempt: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** attempt), resolve);
    this.#endPause = () => {
      cancel();
      resolve();
    };
    return promise;
  }

  async #exchange(data: string | undefined, at: number): Promise<Answer> {
    this.#counters.sent++;
    const frame = this.#frame(data, at);
    const copies = this.faults.has("duplicate") ? Buffer.concat([frame, frame]) : frame;
    const bytes = this.faults.has("garbage") ? Buffer.concat([Buffer.from("\x00\xff\nxyz"), copies]) : copies;
    const answer = await this.#line.exchange(
      bytes,
      this.faults.has("slow-bytes") ? (whole) => [...whole].map((byte) => Uint8Array.of(byte)) : undefined,
    );
    if (answer === undefined || this.faults.has("deaf")) return "none";
    const [first] = new FrameReader().push(answer);
    return first === undefined || typeof first === "string" ? "none" : this.#read(first);
  }

  #read({ id, content, encrypted }: Frame): Answer {
    if (id === "NAK") {
      const theirs = parseTimestamp(content.slice(content.indexOf("_")));
      const { driftMs } = this.faults;
      if (theirs !== undefined) this.#correction = { ms: theirs - this.#clock.now() - driftMs, driftMs };
      return "NAK";
    }
    // an acknowledgement that this panel's key does not open is somebody else's
    if (encrypted && (this.#key === undefined || decrypt(content, this.#key) === undefined)) return "none";
    return id === "ACK" || id === "DUH" ? id : "none";
  }

  #frame(data: string | undefined, at: number): Uint8Array {
    const { account } = this.#options;
    const { driftMs } = this.faults;
    const { ms, driftMs: corrected } = this.#correction;
    const stamp = formatTimestamp(at + driftMs + (corrected === driftMs ? ms : 0));
    const content = `${data === undefined ? "" : `#${account}|${data}`}]${stamp}`;
    const id = data === undefined ? "NULL" : this.#format;
    const head = `${String(this.#sequence).padStart(4, "0")}R0L0#${account}[`;
    const key = this.faults.has("wrong-key") ? Buffer.alloc(16, 0x5a) : this.#key;
    const sealed = key !== undefined && !this.faults.has("unencrypted");
    const body = sealed ? `"*${id}"${head}${encrypt(content, key)}` : `"${id}"${head}${content}`;
    const frame = Buffer.from(formatFrame(body));
    if (this.faults.has("crc-error")) frame[1] = frame[1] === 0x30 ? 0x31 : 0x30;
    if (this.faults.has("wrong-length")) frame.write("0FFF", 5, "latin1");
    return frame;
  }

  silence(): void {
    this.#silent = true;
    this.#line.hangUp();
  }

  restore(): void {
    this.#silent = false;
    this.#heardAt = -Infinity;
    this.#pump();
  }

  async reboot(downMs: number): Promise<void> {
    this.silence();
    this.#queue.length = 0;
    this.#sequence = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#cancelReboot();
    const cancel = this.#clock.after(downMs, () => {
      this.restore();
      resolve();
    });
    this.#cancelReboot = () => {
      cancel();
      resolve();
    };
    await promise;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelScan();
    this.#cancelReboot();
    this.#endPause();
    this.#line.hangUp();
    await this.#running;
  }
}

/** Puts an intrusion panel on its line: it dials to a receiver and reports every change. */
export function servePanel(device: SimulatedDevice, options: PanelOptions, logger: Logger): PanelServer {
  const panel = new PanelOnLine(device, options, logger);
  panel.start();
  return panel;
}
