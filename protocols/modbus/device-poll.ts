import type { Clock } from "#core/clock.ts";
import type { DeviceId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DriverDeps } from "../driver.ts";
import { Backoff } from "./backoff.ts";
import { EXCEPTION } from "./codec/pdu.ts";
import type { Outcome } from "./connection.ts";
import type { ModbusLink } from "./link.ts";
import { mapValue } from "./map.ts";
import { addressFault, type Block, type PlanLimits, type PlannedPoint, planReads, splitBlock } from "./planning.ts";

/** How one device is polled. */
export interface PollOptions extends PlanLimits {
  readonly device: DeviceId;
  readonly unitId: number;
  readonly pollMs: number;
  readonly retries: number;
  /** Bounds of the delay before a lost device is asked again, ms. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

/** A block whose addresses the device passes over in silence, though it answers others: asked again at `retryAt`. */
interface Muted {
  readonly backoff: Backoff;
  retryAt: number;
}

type Verdict = "answered" | "lost";

/** Reads all points of one device again and again, and tells what it finds. */
export class DevicePoll {
  readonly #options: PollOptions;
  readonly #link: ModbusLink;
  readonly #deps: DriverDeps;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #points: readonly PointId[];
  readonly #readable: readonly PlannedPoint[];
  readonly #impossible: readonly PointId[];
  readonly #backoff: Backoff;
  #blocks: Block[] = [];
  #muted = new Map<Block, Muted>();
  /** Points whose address the device does not have. */
  #refused = new Set<PointId>();
  #online: boolean | undefined;
  /** Cancels the wait for the next cycle; undefined while a cycle runs. */
  #cancelWait: (() => void) | undefined;
  #closed = false;

  constructor(options: PollOptions, points: readonly PlannedPoint[], link: ModbusLink, deps: DriverDeps) {
    this.#options = options;
    this.#link = link;
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#points = points.map(({ point }) => point);
    this.#readable = points.filter(({ address }) => addressFault(address) === undefined);
    this.#impossible = points.filter(({ address }) => addressFault(address) !== undefined).map(({ point }) => point);
    this.#backoff = new Backoff(options.reconnectMinMs, options.reconnectMaxMs);
    this.#plan();
  }

  /** Begins the first cycle. */
  start(): void {
    for (const point of this.#impossible) this.#logger.warn({ point }, "Modbus address cannot exist");
    void this.#cycle();
  }

  /** Ends the wait of a lost device: its link is there again. */
  wake(): void {
    this.#backoff.reset();
    if (this.#online !== false || this.#cancelWait === undefined) return;
    this.#cancelWait();
    void this.#cycle();
  }

  /** Delivers samples of this device, unless it is no longer observed. */
  deliver(samples: readonly Sample[]): void {
    if (!this.#closed && samples.length > 0) this.#deps.onSamples(samples);
  }

  /** Nothing is delivered from now on. */
  close(): void {
    this.#closed = true;
    this.#cancelWait?.();
  }

  #plan(): void {
    this.#blocks = [...planReads(this.#readable, this.#options)];
    this.#muted = new Map();
    this.#refused = new Set(this.#impossible);
  }

  async #cycle(): Promise<void> {
    this.#cancelWait = undefined;
    // A device that refuses every address is asked again, since nothing else would tell that it is still there.
    if (this.#blocks.length === 0) this.#blocks = [...planReads(this.#readable, this.#options)];
    const startedAt = this.#clock.monotonic();
    const verdict = await this.#readAll();
    if (this.#closed) return;
    const spentMs = this.#clock.monotonic() - startedAt;
    const waitMs = verdict === "lost" ? this.#backoff.next() : Math.max(0, this.#options.pollMs - spentMs);
    this.#cancelWait = this.#clock.after(waitMs, () => void this.#cycle());
  }

  /** One read of every block. A device without any readable point counts as answering: nothing can be asked of it. */
  async #readAll(): Promise<Verdict> {
    const todo = this.#blocks.filter((block) => (this.#muted.get(block)?.retryAt ?? 0) <= this.#clock.monotonic());
    let answered: Block | undefined;
    for (let block = todo.shift(); block !== undefined; block = todo.shift()) {
      const outcome = await this.#read(block);
      if (this.#closed) return "answered";
      if (isCommunicationLoss(outcome)) {
        const there = answered !== undefined && outcome.kind === "failed" && (await this.#answers(answered));
        if (this.#closed) return "answered";
        if (!there) return this.#lost(block, outcome);
        this.#mute(block);
        continue;
      }
      this.#reached();
      this.#muted.delete(block);
      const halves = this.#take(block, outcome);
      if (halves === undefined) answered = block;
      else todo.unshift(...halves);
    }
    this.#reached();
    this.#tellBad([...this.#refused], "configError");
    return "answered";
  }

  async #read(block: Block): Promise<Outcome> {
    const attempts = this.#online === false || this.#muted.has(block) ? 1 : this.#options.retries + 1;
    let outcome = await this.#readOnce(block);
    for (let attempt = 1; attempt < attempts && outcome.kind === "failed" && !this.#closed; attempt++) {
      outcome = await this.#readOnce(block);
    }
    return outcome;
  }

  async #readOnce({ table, address, quantity }: Block): Promise<Outcome> {
    const outcome = await this.#link.run("poll", (send) =>
      send(this.#options.unitId, { kind: "read", table, address, quantity }),
    );
    return outcome ?? { kind: "failed", reason: "unreachable", message: "the read was not begun" };
  }

  async #answers(block: Block): Promise<boolean> {
    return !isCommunicationLoss(await this.#readOnce(block));
  }

  /** Delivers what a block's answer says; gives the two halves to read instead where the device refuses the block. */
  #take(block: Block, outcome: Outcome): readonly Block[] | undefined {
    if (outcome.kind === "data") {
      const observedAt = this.#clock.now();
      for (const { point } of block.points) this.#refused.delete(point);
      this.deliver(
        block.points.map(({ point, address }) => ({
          point,
          ...mapValue(address, outcome.data, block.address),
          observedAt,
        })),
      );
      return undefined;
    }
    const code = outcome.kind === "exception" ? outcome.code : 0;
    const unknown = code === EXCEPTION.illegalDataAddress || code === EXCEPTION.illegalDataValue;
    if (unknown && block.points.length > 1) {
      const halves = splitBlock(block);
      this.#replace(block, halves);
      return halves;
    }
    const points = block.points.map(({ point }) => point);
    if (unknown || code === EXCEPTION.illegalFunction) {
      this.#replace(block, []);
      const news = points.some((point) => !this.#refused.has(point));
      for (const point of points) this.#refused.add(point);
      if (news) this.#logger.warn({ device: this.#options.device, points, code }, "Modbus device refuses addresses");
    } else {
      this.#tellBad(points, "deviceFault");
    }
    return undefined;
  }

  #replace(block: Block, by: readonly Block[]): void {
    this.#blocks.splice(this.#blocks.indexOf(block), 1, ...by);
  }

  #mute(block: Block): void {
    const { device, reconnectMinMs, reconnectMaxMs } = this.#options;
    const known = this.#muted.get(block);
    const muted = known ?? { backoff: new Backoff(reconnectMinMs, reconnectMaxMs), retryAt: 0 };
    muted.retryAt = this.#clock.monotonic() + muted.backoff.next();
    this.#muted.set(block, muted);
    this.#tellBad(
      block.points.map(({ point }) => point),
      "commLost",
    );
    if (known !== undefined) return;
    const { table, address, quantity } = block;
    this.#logger.warn({ device, table, address, quantity }, "Modbus device passes over a block in silence");
  }

  #reached(): void {
    this.#backoff.reset();
    if (this.#online === true) return;
    this.#online = true;
    this.#deps.onDevice({ device: this.#options.device, online: true, at: this.#clock.now() });
  }

  #lost(block: Block, outcome: Outcome): Verdict {
    if (this.#online !== false) {
      this.#online = false;
      const reason = lossReason(block, outcome);
      this.#deps.onDevice({ device: this.#options.device, online: false, reason, at: this.#clock.now() });
      this.#tellBad(this.#points, "commLost");
    }
    // Recovery is a fresh read of all; it begins with another block, for this one may be what the device keeps silent about.
    const next = (this.#blocks.indexOf(block) + 1) % Math.max(this.#blocks.length, 1);
    this.#plan();
    this.#blocks.push(...this.#blocks.splice(0, Math.min(next, this.#blocks.length)));
    return "lost";
  }

  #tellBad(points: readonly PointId[], reason: string): void {
    const observedAt = this.#clock.now();
    this.deliver(points.map((point) => ({ point, value: null, quality: "bad", reason, observedAt })));
  }
}

/** No answer of the device itself: none at all, or a gateway's word that it cannot reach it. */
function isCommunicationLoss(outcome: Outcome): boolean {
  if (outcome.kind === "failed") return true;
  if (outcome.kind !== "exception") return false;
  return outcome.code === EXCEPTION.gatewayPathUnavailable || outcome.code === EXCEPTION.gatewayTargetFailedToRespond;
}

function lossReason(block: Block, outcome: Outcome): string {
  const what = `read of ${block.table} ${block.address}, ${block.quantity}`;
  if (outcome.kind === "failed") return `${what}: ${outcome.message}`;
  return `${what}: exception ${outcome.kind === "exception" ? outcome.code : ""} of the gateway`;
}
