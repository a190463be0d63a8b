import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import { type DeviceId, newId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { DriverDeps } from "../../../driver.ts";
import { objectIdWord } from "../../codec/values.ts";
import type { Counters } from "../../counters.ts";
import { type Contact, repeat } from "../contact.ts";
import { readDeviceTime } from "../control/clock.ts";
import type { BoundPoint } from "../point-board.ts";
import { findLogs, type LogPlan, planOf, readCounts, readRevision } from "./trend-logs.ts";
import type { KnownLogs, TrendMemory, TrendState } from "./trend-memory.ts";
import { LogReader } from "./trend-reader.ts";
import { correctionOf, type Outage, samplesOf } from "./trend-samples.ts";
import { type LogCounts, sequenceAfter, untaken } from "./trend-sequence.ts";

/** What healing the history of one device needs. */
export interface HealerDeps extends Pick<DriverDeps, "onHistory" | "storeEvent"> {
  readonly device: DeviceId;
  readonly instance: number;
  readonly points: readonly BoundPoint[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly trends: TrendMemory;
  /** Most records that one time of coming back may bring; 0: nothing is taken from logs. */
  readonly most: number;
}

/** Event of a device whose history was filled up: `records`, `points`, `logs`, and the stretch `from` `to`, Unix ms. */
export const HISTORY_HEALED = "historyHealed";

/** A device in touch is heard of at least every 25 s: more than this is an outage that nobody noticed, e.g. a gateway that stood still. */
const SILENCE_MS = 60_000;
/** Shorter outages have no record in them, or one that a live value stands beside. */
const SHORTEST_MS = 2000;
/** What was heard just before a crash may not have reached the disk. */
const CRASH_MS = 1000;
/** How often it is noted where the logs stand, so that little is to be read after an outage. */
const NOTE_MS = 300_000;
const MOST_OUTAGES = 20;
/** Records of one log that are in memory at once. */
const MOST_OF_ONE = 20_000;
const MOST_TOLD = 500;
/** Beyond what its interval lets expect of a log: records of its status, of clocks that were set. */
const MORE_RECORDS = 10;
const ANEW_AFTER_MS = 7 * 24 * 3_600_000;
/** A device's clock that moved less than this since the first attempt stands as it stood then. */
const STEADY_MS = 2000;

/** What was told so far and is not in the journal yet. */
interface Tally {
  records: number;
  readonly points: Set<string>;
  readonly logs: Set<number>;
}

/**
 * Fills the holes of one device's history from its own trend logs: after an outage, also of the gateway itself, it reads what the
 * logs recorded between the last that was heard of the device and the first live read after it. Each record is taken once, by its
 * sequence number.
 */
export class Healer {
  readonly #deps: HealerDeps;
  readonly #clock: Clock;
  #state: TrendState;
  #heardAt: number | undefined;
  #inTouch = false;
  /** What is known of the time before this start was noted now and then only. */
  #marginMs = CRASH_MS;
  #closed = false;
  #contact: Contact | undefined;
  #working = false;
  #next: Contact | undefined;
  #tally: Tally = emptyTally();

  constructor(deps: HealerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#state = deps.trends.state(deps.instance) ?? { taken: {}, outages: [] };
    this.#heardAt = deps.trends.heardAt(deps.instance);
  }

  /** When the device was last heard while its points were observed; undefined before the first time. */
  get heardAt(): number | undefined {
    return this.#heardAt;
  }

  /** All points were read live: an outage ends here. */
  reached(): void {
    if (this.#inTouch) return;
    this.#inTouch = true;
    this.#owe();
    this.#hear();
  }

  /** The device answered or told something. */
  heard(): void {
    if (!this.#inTouch) return;
    // by the wall clock: monotonic time stands still while the process does
    if (this.#clock.now() - (this.#heardAt ?? 0) > SILENCE_MS) {
      this.#owe();
      if (this.#contact !== undefined) void this.#work(this.#contact);
    }
    this.#hear();
  }

  /** The device is lost: an outage begins at what was last heard. */
  lost(): void {
    this.#inTouch = false;
    this.#contact = undefined;
  }

  /** Nothing is told or kept afterwards. */
  close(): void {
    this.#closed = true;
    this.lost();
  }

  /** All is read and subscribed: fills what is missing, and notes from then on where the logs stand. Never rejects. */
  async begin(contact: Contact): Promise<void> {
    if (this.#deps.most === 0 || this.#deps.points.length === 0) return;
    this.#contact = contact;
    await this.#work(contact);
    repeat(this.#clock, contact.signal, NOTE_MS, () => this.#work(contact));
  }

  #hear(): void {
    this.#heardAt = this.#clock.now();
  }

  #owe(): void {
    const from = this.#heardAt;
    const to = this.#clock.now();
    // the wall clock may have been set back
    if (from === undefined || to - from < SHORTEST_MS || this.#deps.most === 0) return;
    const outage = { from: from - this.#marginMs, to };
    this.#marginMs = 0;
    this.#keep({ ...this.#state, outages: [...this.#state.outages, outage].slice(-MOST_OUTAGES) });
  }

  async #work(contact: Contact): Promise<void> {
    // once more afterwards, however often it was wished meanwhile
    this.#next = contact;
    if (this.#working) return;
    this.#working = true;
    while (this.#next !== undefined) {
      const now = this.#next;
      this.#next = undefined;
      try {
        if (!now.signal.aborted) await this.#look(now);
      } catch (error) {
        // the points of the device go on all the same, and what is owed stays owed
        this.#deps.logger.error({ cause: errorMessage(error) }, "trend logs of the device cannot be read");
      }
    }
    this.#working = false;
  }

  async #look(contact: Contact): Promise<void> {
    const plans = await this.#plans(contact);
    if (plans === undefined) return;
    const logs = plans.map(({ log }) => log);
    const counts = logs.length === 0 ? new Map<number, LogCounts>() : await readCounts(contact, logs);
    if (counts === undefined) return;
    if (this.#state.outages.length > 0) await this.#heal(contact, plans, counts);
    else this.#note(counts);
  }

  /** The logs of our points; undefined when the device fell silent. */
  async #plans(contact: Contact): Promise<readonly LogPlan[] | undefined> {
    const { instance, points, logger } = this.#deps;
    const revision = await readRevision(contact, instance);
    if (revision === "silent") return undefined;
    const { known } = this.#state;
    const now = this.#clock.now();
    if (known !== undefined && known.revision === revision && Math.abs(now - known.at) < ANEW_AFTER_MS) {
      return planOf(known.logs, points);
    }
    const logs = await findLogs(contact, instance);
    if (logs === undefined) return undefined;
    const found: KnownLogs = { at: now, logs, ...(revision === undefined ? {} : { revision }) };
    this.#state = { ...this.#state, known: found, taken: takenOfSame(this.#state, found) };
    this.#keep(this.#state);
    const plans = planOf(logs, points);
    logger.info({ logs: logs.length, used: plans.length }, "trend logs of the device");
    return plans;
  }

  /** What was recorded until now was told live. */
  #note(counts: ReadonlyMap<number, LogCounts>): void {
    const before = this.#state.taken;
    const taken = { ...before, ...Object.fromEntries([...counts].map(([word, { total }]) => [word, total])) };
    if (Object.entries(taken).some(([word, total]) => before[word] !== total)) this.#keep({ ...this.#state, taken });
  }

  async #heal(contact: Contact, plans: readonly LogPlan[], counts: ReadonlyMap<number, LogCounts>): Promise<void> {
    const { outages } = this.#state;
    const correctionMs = plans.length === 0 ? 0 : await this.#correction(contact);
    if (correctionMs === undefined) return;
    const reader = new LogReader(contact, () => this.#deps.counters.add("malformed"));
    let left = this.#deps.most;
    for (const plan of plans) {
      const word = objectIdWord(plan.log.object);
      const count = counts.get(word);
      if (count === undefined) continue;
      const read = await this.#healFrom(reader, plan, count, correctionMs, Math.min(left, MOST_OF_ONE));
      if (read === "silent") return;
      if (read === "noService") break;
      left -= read;
      // as told; on the disk only when what was told is there too
      this.#state = { ...this.#state, taken: { ...this.#state.taken, [word]: count.total } };
    }
    await this.#finish(outages);
  }

  /** How many records were read. */
  async #healFrom(
    reader: LogReader,
    plan: LogPlan,
    counts: LogCounts,
    correctionMs: number,
    most: number,
  ): Promise<number | "silent" | "noService"> {
    const { outages, taken } = this.#state;
    const { logger, onHistory } = this.#deps;
    const { object } = plan.log;
    const word = objectIdWord(object);
    const whole = untaken(counts, taken[word] ?? before(plan.log, counts, outages, this.#clock.now()));
    // the newest where there are too many
    const count = Math.min(whole.count, most);
    if (count < whole.count)
      logger.warn({ object, left: whole.count - count }, "trend log has more records than are taken");
    if (count === 0) return 0;
    const first = count === whole.count ? whole.first : untaken({ ...counts, count }, undefined).first;
    const fromLocalMs = Math.min(...outages.map(({ from }) => from)) - correctionMs;
    const reading = await reader.read({ object, first, count, counts, fromLocalMs }, plan.columns.length);
    if (reading.kind === "silent" || this.#closed) return "silent";
    if (reading.kind === "unable") {
      logger.warn({ object }, "trend log cannot be read");
      return reading.service ? "noService" : 0;
    }
    const samples = samplesOf(plan, reading.rows, correctionMs, outages, this.#clock.now());
    for (let at = 0; at < samples.length; at += MOST_TOLD) onHistory(samples.slice(at, at + MOST_TOLD));
    for (const { point } of samples) this.#tally.points.add(point);
    if (samples.length > 0) this.#tally.logs.add(word);
    this.#tally.records += samples.length;
    this.#deps.counters.add("historyValues", samples.length);
    return reading.rows.length;
  }

  /** Undefined when the device fell silent, or has no clock: then nobody knows where its records belong. */
  async #correction(contact: Contact): Promise<number | undefined> {
    const { instance, logger } = this.#deps;
    const time = await readDeviceTime(contact, instance, this.#clock);
    if (time === undefined) {
      if (contact.signal.aborted) return undefined;
      logger.warn({}, "the device tells no time: its trend logs are not used");
      this.#keep({ ...this.#state, outages: [] });
      return undefined;
    }
    const measured = correctionOf(time);
    const before = this.#state.correctionMs;
    const correctionMs = before !== undefined && Math.abs(before - measured) < STEADY_MS ? before : measured;
    this.#keep({ ...this.#state, correctionMs });
    return correctionMs;
  }

  /** What was told is written to the journal; when that is on the disk, so is all that was told before it. */
  async #finish(healed: readonly Outage[]): Promise<void> {
    const { device, logger, storeEvent } = this.#deps;
    const tally = this.#tally;
    if (tally.records > 0) {
      const [from, to] = [Math.min(...healed.map((one) => one.from)), Math.max(...healed.map((one) => one.to))];
      const data = { records: tally.records, points: tally.points.size, logs: tally.logs.size, from, to };
      const now = this.#clock.now();
      try {
        await storeEvent({ id: newId(now), device, kind: HISTORY_HEALED, observedAt: now, data });
      } catch (error) {
        // as long as it is not on the disk it is owed
        logger.warn({ error: errorMessage(error) }, "healed history not stored yet");
        return;
      }
      logger.info(data, "history healed from the device's trend logs");
      this.#tally = emptyTally();
    }
    const { known, taken, outages } = this.#state;
    // one that came meanwhile is owed still
    const left = outages.filter((outage) => !healed.includes(outage));
    this.#keep({ taken, outages: left, ...(known === undefined ? {} : { known }) });
  }

  #keep(state: TrendState): void {
    this.#state = state;
    if (!this.#closed) this.#deps.trends.keep(this.#deps.instance, state);
  }
}

function emptyTally(): Tally {
  return { records: 0, points: new Set(), logs: new Set() };
}

/** The marks of logs that log what they logged before: another log under the same number is a new one. */
function takenOfSame({ known, taken }: TrendState, found: KnownLogs): TrendState["taken"] {
  const before = new Map(known?.logs.map(({ object, sources }) => [objectIdWord(object), sources.join()]));
  const same = found.logs.flatMap(({ object, sources }) => {
    const word = objectIdWord(object);
    const mark = taken[word];
    return mark !== undefined && before.get(word) === sources.join() ? [[word, mark] as const] : [];
  });
  return Object.fromEntries(same);
}

/** Sequence number of the last record before the outages of a log that was never looked at; undefined where that cannot be told. */
function before(
  { everyMs }: LogPlan["log"],
  { total }: LogCounts,
  outages: readonly Outage[],
  now: number,
): number | undefined {
  const records = Math.ceil((now - Math.min(...outages.map(({ from }) => from))) / everyMs) + MORE_RECORDS;
  // a log of changes has as many as there were changes
  return Number.isFinite(records) && records < total ? sequenceAfter(total, -records) : undefined;
}
