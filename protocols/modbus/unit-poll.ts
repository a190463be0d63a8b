import type { Clock } from "#core/clock.ts";
import type { DeviceId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DriverDeps } from "../driver.ts";
import { Backoff } from "./backoff.ts";
import { type BlockOwner, BlockRead } from "./block-read.ts";
import { EXCEPTION } from "./codec/pdu.ts";
import type { Ask, Outcome } from "./exchange.ts";
import type { ModbusLine } from "./line.ts";
import type { Total } from "./map.ts";
import { addressFault, type PlanLimits, type PlannedPoint, planReads } from "./planning.ts";
import { PollCycle } from "./poll-cycle.ts";
import type { RolloverMemory } from "./rollover.ts";
import type { PollSource } from "./turns.ts";
import { POLL_CLASSES, type PollClass } from "./vocabulary.ts";

/** How one device is polled. */
export interface PollOptions extends PlanLimits {
  readonly device: DeviceId;
  readonly unitId: number;
  readonly periodMs: Readonly<Record<PollClass, number>>;
  /** A value that does not change is told again after this time, ms. */
  readonly repeatMs: number;
  readonly retries: number;
  /** Bounds of the delay before a lost device is asked again, ms. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

/** An address that the device refused is asked for again after this time, ms. */
const REFUSED_RETRY_MS = 600_000;
/** A point is heard of at least so often while its device is there, ms; drivers owe it within 60 s. */
const SIGN_OF_LIFE_MS = 50_000;

/**
 * polling: the cycles run. suspect: `block` was not answered and is asked again. checking: it stays silent; `witness`, which was
 * answered before, shows whether the device is there at all. lost: one block after the other is tried, each after a delay.
 */
type Mode =
  | { readonly kind: "polling" }
  | { readonly kind: "suspect"; readonly block: BlockRead; readonly attempts: number }
  | { readonly kind: "checking"; readonly block: BlockRead; readonly witness: BlockRead; readonly outcome: Outcome }
  | { readonly kind: "lost" };

/** Reads all points of one device again and again, and tells what it finds. */
export class UnitPoll implements PollSource<Ask>, BlockOwner {
  readonly #options: PollOptions;
  readonly #line: ModbusLine;
  readonly #deps: DriverDeps;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #rollover: RolloverMemory;
  readonly #points: readonly PointId[];
  readonly #readable: readonly PlannedPoint[];
  readonly #impossible: readonly PointId[];
  readonly #cycles: Readonly<Record<PollClass, PollCycle>>;
  readonly #backoff: Backoff;
  #mode: Mode = { kind: "polling" };
  /** What is to be asked outside of the cycles. */
  #single: BlockRead | undefined;
  #cancelProbe: () => void = () => {};
  #probes = 0;
  #online: boolean | undefined;
  #impossibleToldAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(
    options: PollOptions,
    points: readonly PlannedPoint[],
    line: ModbusLine,
    rollover: RolloverMemory,
    deps: DriverDeps,
  ) {
    this.#options = options;
    this.#line = line;
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#rollover = rollover;
    this.#points = points.map(({ point }) => point);
    this.#readable = points.filter(({ address }) => addressFault(address) === undefined);
    this.#impossible = points.filter(({ address }) => addressFault(address) !== undefined).map(({ point }) => point);
    this.#backoff = new Backoff(options.reconnectMinMs, options.reconnectMaxMs);
    this.#cycles = {
      alarm: this.#cycleOf("alarm"),
      normal: this.#cycleOf("normal"),
      slow: this.#cycleOf("slow"),
    };
  }

  get unitId(): number {
    return this.#options.unitId;
  }

  totalOf(point: PointId, rollover: number): Total {
    return this.#rollover.totalOf(point, rollover);
  }

  /** Begins to read. */
  start(): void {
    for (const point of this.#impossible) this.#logger.warn({ point }, "Modbus address cannot exist");
    this.#beginAll();
    // of a device without any readable point nothing can be asked: it counts as there
    if (this.#blocks.length === 0) this.#reached();
  }

  /** Ends the wait of a lost device: its line is there again. */
  wake(): void {
    if (this.#mode.kind !== "lost" || this.#closed) return;
    this.#backoff.reset();
    this.#probe();
  }

  /** Tells what a write has read back; the next poll tells it again, since the device may not keep it. */
  told(sample: Sample): void {
    for (const read of this.#blocks) if (read.points.includes(sample.point)) read.forget();
    this.#deliver([sample]);
  }

  /** Nothing is asked or delivered from now on. */
  close(): void {
    this.#closed = true;
    this.#cancelProbe();
    for (const cycle of this.#allCycles) cycle.stop();
    this.#line.remove(this);
  }

  take(pollClass: PollClass): Ask | undefined {
    if (this.#closed) return undefined;
    if (this.#mode.kind === "polling") return this.#cycles[pollClass].next();
    const single = this.#single;
    this.#single = undefined;
    return single;
  }

  settled(read: BlockRead, outcome: Outcome): void {
    if (this.#closed) return;
    const mode = this.#mode;
    if (isCommunicationLoss(outcome)) {
      this.#unanswered(read, outcome);
      return;
    }
    if (mode.kind === "lost") {
      this.#found();
      return;
    }
    read.answeredAt = this.#clock.monotonic();
    if (mode.kind === "checking" && read === mode.witness) {
      this.#mute(mode.block);
      this.#cycles[mode.block.pollClass].done();
    }
    const ends =
      (mode.kind === "suspect" && read === mode.block) || (mode.kind === "checking" && read === mode.witness);
    if (ends) this.#resume();
    this.#reached();
    const counted = mode.kind !== "checking" || read !== mode.witness;
    // the next request goes out before this answer is looked at
    if (outcome.kind === "data" && counted) this.#cycles[read.pollClass].done();
    this.#take(read, outcome);
    if (outcome.kind !== "data" && counted) this.#cycles[read.pollClass].done();
  }

  get #allCycles(): readonly PollCycle[] {
    return POLL_CLASSES.map((pollClass) => this.#cycles[pollClass]);
  }

  get #blocks(): readonly BlockRead[] {
    return this.#allCycles.flatMap(({ reads }) => reads);
  }

  #readsOf(pollClass: PollClass): readonly BlockRead[] {
    const own = this.#readable.filter(({ address }) => (address.poll ?? "normal") === pollClass);
    return planReads(own, this.#options).map((block) => new BlockRead(block, pollClass, this));
  }

  #cycleOf(pollClass: PollClass): PollCycle {
    const periodMs = this.#options.periodMs[pollClass];
    return new PollCycle(this.#readsOf(pollClass), periodMs, this.#clock, {
      onBegin: () => this.#repeatTrouble(pollClass),
      onReady: () => this.#line.ready(this, pollClass),
    });
  }

  #beginAll(): void {
    for (const cycle of this.#allCycles) cycle.begin();
  }

  #deliver(samples: readonly Sample[]): void {
    if (!this.#closed && samples.length > 0) this.#deps.onSamples(samples);
  }

  #askSingle(read: BlockRead): void {
    this.#single = read;
    this.#line.ready(this, read.pollClass);
  }

  #resume(): void {
    this.#mode = { kind: "polling" };
    for (const cycle of this.#allCycles) cycle.resume();
  }

  /** Delivers what an answer says; a block that the device refuses is halved until the refused address is alone. */
  #take(read: BlockRead, outcome: Outcome): void {
    if (outcome.kind === "data") {
      const accepted = read.trouble?.reason === "configError";
      read.trouble = undefined;
      read.retryAt = 0;
      const now = this.#clock.monotonic();
      const { repeatMs, periodMs } = this.#options;
      const due = Math.min(repeatMs, SIGN_OF_LIFE_MS - periodMs[read.pollClass]);
      const all = !read.known || now - read.toldAt >= due;
      if (all) read.toldAt = now;
      this.#deliver(read.take(outcome.data, this.#clock.now(), all));
      if (accepted) this.#rejoin(read.pollClass);
      return;
    }
    const code = outcome.kind === "exception" ? outcome.code : 0;
    const unknown = code === EXCEPTION.illegalDataAddress || code === EXCEPTION.illegalDataValue;
    if (unknown && read.block.points.length > 1) this.#cycles[read.pollClass].replace(read, read.split());
    else if (unknown || code === EXCEPTION.illegalFunction) this.#refused(read, code);
    else {
      read.forget();
      this.#tellBad(read.points, "deviceFault");
    }
  }

  /** An address that was refused is there: perhaps the device was only not ready when its blocks were split. */
  #rejoin(pollClass: PollClass): void {
    this.#cycles[pollClass].replan(this.#readsOf(pollClass));
    this.#cycles[pollClass].begin();
  }

  #refused(read: BlockRead, code: number): void {
    const news = read.trouble?.reason !== "configError";
    const backoff = new Backoff(REFUSED_RETRY_MS, REFUSED_RETRY_MS);
    this.#leaveAlone(read, { reason: "configError", backoff });
    if (!news) return;
    const { points } = read;
    this.#logger.warn({ device: this.#options.device, points, code }, "Modbus device refuses addresses");
  }

  #mute(read: BlockRead): void {
    const { device, reconnectMinMs, reconnectMaxMs } = this.#options;
    const { trouble } = read;
    const known = trouble?.reason === "commLost" ? trouble : undefined;
    this.#leaveAlone(read, known ?? { reason: "commLost", backoff: new Backoff(reconnectMinMs, reconnectMaxMs) });
    if (known !== undefined) return;
    const { table, address, quantity } = read.block;
    this.#logger.warn({ device, table, address, quantity }, "Modbus device passes over a block in silence");
  }

  #leaveAlone(read: BlockRead, trouble: NonNullable<BlockRead["trouble"]>): void {
    read.forget();
    read.trouble = trouble;
    read.toldAt = this.#clock.monotonic();
    read.retryAt = read.toldAt + trouble.backoff.next();
    this.#tellBad(read.points, trouble.reason);
  }

  /** What is left alone gives its sign of life without being asked. */
  #repeatTrouble(pollClass: PollClass): void {
    const now = this.#clock.monotonic();
    const due = now - (SIGN_OF_LIFE_MS - this.#options.periodMs[pollClass]);
    for (const read of this.#cycles[pollClass].reads) {
      if (read.trouble === undefined || read.toldAt > due) continue;
      read.toldAt = now;
      this.#tellBad(read.points, read.trouble.reason);
    }
    if (pollClass !== "normal" || this.#impossibleToldAt > due) return;
    this.#impossibleToldAt = now;
    this.#tellBad(this.#impossible, "configError");
  }

  #unanswered(read: BlockRead, outcome: Outcome): void {
    const mode = this.#mode;
    switch (mode.kind) {
      case "lost":
        this.#probeLater();
        return;
      case "checking":
        if (read === mode.witness) this.#lose(mode.block, mode.outcome);
        else this.#cycles[read.pollClass].again(read);
        return;
      case "suspect":
        if (read === mode.block) this.#unansweredAgain(read, outcome, mode.attempts);
        else this.#cycles[read.pollClass].again(read);
        return;
      case "polling":
        this.#unansweredAgain(read, outcome, 0);
        return;
      default:
        mode satisfies never;
    }
  }

  #unansweredAgain(read: BlockRead, outcome: Outcome, attempts: number): void {
    const unreachable = outcome.kind === "failed" && outcome.reason === "unreachable";
    if (!unreachable && read.trouble === undefined && attempts < this.#options.retries) {
      this.#mode = { kind: "suspect", block: read, attempts: attempts + 1 };
      this.#askSingle(read);
      return;
    }
    const witness = unreachable ? undefined : this.#witness(read);
    if (witness === undefined) this.#lose(read, outcome);
    else {
      this.#mode = { kind: "checking", block: read, witness, outcome };
      this.#askSingle(witness);
    }
  }

  /** Another block, the one that was answered last. */
  #witness(suspect: BlockRead): BlockRead | undefined {
    const others = this.#blocks.filter((read) => read !== suspect && read.known);
    return others.toSorted((a, b) => b.answeredAt - a.answeredAt)[0];
  }

  #reached(): void {
    this.#backoff.reset();
    if (this.#online === true) return;
    this.#online = true;
    this.#deps.onDevice({ device: this.#options.device, online: true, at: this.#clock.now() });
  }

  #found(): void {
    this.#cancelProbe();
    this.#mode = { kind: "polling" };
    this.#single = undefined;
    this.#reached();
    this.#impossibleToldAt = Number.NEGATIVE_INFINITY;
    this.#beginAll();
  }

  #lose(read: BlockRead, outcome: Outcome): void {
    const tried = this.#blocks.findIndex(({ block }) => block.points[0] === read.block.points[0]);
    this.#mode = { kind: "lost" };
    // recovery is a fresh read of all, as planned at first: what was refused may be there then
    for (const pollClass of POLL_CLASSES) this.#cycles[pollClass].replan(this.#readsOf(pollClass));
    this.#probes = tried + 1;
    this.#probeLater();
    if (this.#online === false) return;
    this.#online = false;
    const reason = lossReason(read, outcome);
    this.#deps.onDevice({ device: this.#options.device, online: false, reason, at: this.#clock.now() });
    this.#tellBad(this.#points, "commLost");
  }

  #probeLater(): void {
    this.#cancelProbe();
    this.#cancelProbe = this.#clock.after(this.#backoff.next(), () => this.#probe());
  }

  /** Tries another block each time, for one of them may be what the device keeps silent about. */
  #probe(): void {
    this.#cancelProbe();
    const blocks = this.#blocks;
    const read = blocks[this.#probes++ % Math.max(1, blocks.length)];
    if (read !== undefined) this.#askSingle(read);
  }

  #tellBad(points: readonly PointId[], reason: string): void {
    const observedAt = this.#clock.now();
    this.#deliver(points.map((point) => ({ point, value: null, quality: "bad", reason, observedAt })));
  }
}

/** No answer of the device itself: none at all, or a gateway's word that it cannot reach it. */
function isCommunicationLoss(outcome: Outcome): boolean {
  if (outcome.kind === "failed") return true;
  if (outcome.kind !== "exception") return false;
  return outcome.code === EXCEPTION.gatewayPathUnavailable || outcome.code === EXCEPTION.gatewayTargetFailedToRespond;
}

function lossReason({ block }: BlockRead, outcome: Outcome): string {
  const what = `read of ${block.table} ${block.address}, ${block.quantity}`;
  if (outcome.kind === "failed") return `${what}: ${outcome.message}`;
  return `${what}: exception ${outcome.kind === "exception" ? outcome.code : ""} of the gateway`;
}
