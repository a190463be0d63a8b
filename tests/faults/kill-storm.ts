import { setTimeout as sleep } from "node:timers/promises";
import type { Completeness } from "#core/contracts/completeness.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { PointView } from "#core/contracts/points.ts";
import type { SignalChange } from "#simulators/recorder.ts";
import { ENGINES, type EngineName } from "#tests/servers/production.ts";
import type { ApiClient } from "../e2e/api-client.ts";
import { alarmsOf, journalOf } from "../e2e/guard.ts";
import { type Park, until } from "../e2e/park.ts";
import { CountingSignal, type StoredSample, storedSamples } from "./counting-signal.ts";

/** What a storm kills: the processes of the hub and, on the production profile, its servers. */
export type Victim = "gw-1" | "cloud" | EngineName;

/** Everything that can be killed of a park. */
export const victimsOf = (profile: "embedded" | "production"): readonly Victim[] =>
  profile === "production" ? ["gw-1", "cloud", ...ENGINES] : ["gw-1", "cloud"];

/** Account of a storm. */
export interface StormAccount {
  readonly kills: number;
  /** Samples and events that gateways have numbered and the cloud has stored. */
  readonly committed: number;
  /** Offsets that are missing, samples that no history has, and values of the field that were observed and not stored. */
  readonly lost: number;
  /** Samples that histories have beyond those that were numbered, and alarms beyond those that were raised in the field. */
  readonly doubled: number;
  /** What `lost` is the sum of. */
  readonly losses: {
    /** Offsets that were numbered and are not stored. */
    readonly offsets: number;
    /** Samples that were stored and are in no history. */
    readonly samples: number;
    /** Values of the counting signal that the field showed to an observing gateway. */
    readonly values: number;
    readonly alarms: number;
  };
  /** The values that were lost, for whoever looks for the cause: how long the gateway had been observing, and still was, ms. */
  readonly missing: readonly { readonly value: number; readonly sinceMs: number; readonly untilMs: number }[];
  /** Values in histories that the field never had, or had in another order. */
  readonly wrong: number;
  /** Longest time from a kill to a value of after it at the API, the start of what was killed included, ms. */
  readonly maxRecoveryMs: number;
  /** The same of each victim, ms. */
  readonly recoveryMs: Readonly<Partial<Record<Victim, number>>>;
}

/** How long a killed part may take until values flow again before the storm gives up, ms. */
const GIVE_UP_MS = 60_000;
/** What was in the field so long before the gateway was killed is on its disk, also on a busy machine. */
const COMMITTED_MS = 2000;
/** How long the field holds each value that is counted, ms. */
const HOLD_MS = 500;
/** Longest pause between two kills, ms. */
const PAUSE_MS = 1500;
const DEFINITION = "zone-7-intrusion";
const POINT_URL = `/points/${encodeURIComponent(CountingSignal.point)}`;

/** A park under load to which faults are done, one after the other, and the account of what that did. */
export class KillStorm {
  readonly #park: Park;
  readonly #client: ApiClient;
  readonly #counting: CountingSignal;
  readonly #random: () => number;
  /** The field's own record of the counting signal: the simulators keep only its end. */
  readonly #changes = new Map<number, SignalChange>();
  readonly #recovery = new Map<Victim, number>();
  /** When the gateway was surely observing, Unix ms. */
  readonly #observed: { readonly from: number; readonly to: number }[] = [];
  #observing = 0;
  #begun = 0;
  #kills = 0;
  #gatewayKills = 0;
  #raised = 0;
  #live = false;

  private constructor(park: Park, client: ApiClient, random: () => number) {
    this.#park = park;
    this.#client = client;
    this.#counting = new CountingSignal(park, HOLD_MS);
    this.#random = random;
  }

  /** Begins to count. `random` gives numbers from 0 to 1. */
  static async begin(park: Park, client: ApiClient, random: () => number): Promise<KillStorm> {
    const storm = new KillStorm(park, client, random);
    storm.#begun = (await park.simulatorState()).at;
    storm.#counting.start();
    await storm.#followed(storm.#begun);
    storm.#observing = (await park.simulatorState()).at;
    return storm;
  }

  /** Kills one with SIGKILL under load, with an alarm coming or going, and resolves when values and the alarm are seen again. */
  async kill(victim: Victim): Promise<void> {
    await this.#alarmTurns();
    const { at } = await this.#park.simulatorState();
    const begun = performance.now();
    await this.#end(victim);
    this.#kills++;
    const again = await this.#followed(at);
    this.#recovery.set(victim, Math.max(performance.now() - begun, this.#recovery.get(victim) ?? 0));
    if (victim === "gw-1") {
      this.#gatewayKills++;
      this.#observed.push({ from: this.#observing, to: at - COMMITTED_MS });
      // one value more: what a device tells only on change is not heard before it was subscribed to again
      this.#observing = await this.#followed(again);
    }
    await this.#alarmSeen(`${victim} was killed`);
  }

  /** Lets one hang for a time, with an alarm coming or going, and resolves when values and the alarm are seen again. */
  async hang(victim: Exclude<Victim, "gw-1">, ms: number): Promise<void> {
    const signal = (name: "SIGSTOP" | "SIGCONT"): void => {
      if (victim === "cloud") this.#park.kill("cloud", name);
      else this.#park.servers.server(victim).signal(name);
    };
    signal("SIGSTOP");
    try {
      await this.#alarmTurns();
      await sleep(ms);
    } finally {
      signal("SIGCONT");
    }
    await this.#followed((await this.#park.simulatorState()).at);
    await this.#alarmSeen(`${victim} hung`);
  }

  /** Cuts the uplink again and again, with an alarm coming or going, and resolves when values and the alarm are seen again. */
  async flap(cuts: number): Promise<void> {
    await this.#alarmTurns();
    for (let cut = 0; cut < cuts; cut++) {
      await this.#park.scenario("gateway-cut", { seconds: 60, mode: cut % 2 === 0 ? "reset" : "silent" });
      await sleep(this.#random() * PAUSE_MS);
      await this.#park.endScenario("gateway-cut");
      await sleep(this.#random() * PAUSE_MS);
    }
    await this.#followed((await this.#park.simulatorState()).at);
    await this.#alarmSeen("the uplink flapped");
  }

  async #alarmTurns(): Promise<void> {
    await sleep(this.#random() * PAUSE_MS);
    this.#live = !this.#live;
    if (this.#live) this.#raised++;
    await this.#park.set("perimeter-panel", "zone-7-alarm", this.#live);
    await sleep(this.#random() * 300);
  }

  async #alarmSeen(after: string): Promise<void> {
    const live = this.#live;
    await until(`the alarm to be ${live ? "live" : "over"} after ${after}`, async () =>
      (await alarmsOf(this.#client, DEFINITION))[0]?.live === live ? true : undefined,
    );
    await this.#record();
  }

  /** Ends the load, waits until all has arrived, and counts. */
  async account(): Promise<StormAccount> {
    await this.#counting.stop();
    await this.#record();
    await until("the last value to be stored", async () =>
      (await this.#stored()).at(-1)?.value === this.#counting.value ? true : undefined,
    );
    this.#observed.push({ from: this.#observing, to: Date.now() });
    await until("the backlog to be drained", async () => {
      const { items } = await this.#client.get<{ items: GatewayView[] }>("/gateways");
      return items[0]?.online === true && items[0].backlog?.events === 0 ? true : undefined;
    });
    const field = await this.#againstField();
    const offsets = await this.#againstOffsets();
    const alarms = await this.#againstAlarms();
    const losses = { ...offsets.losses, values: field.missing.length, alarms: alarms.lost };
    return {
      kills: this.#kills,
      committed: offsets.committed,
      lost: Object.values(losses).reduce((sum, count) => sum + count, 0),
      losses,
      missing: field.missing,
      doubled: field.doubled + offsets.doubled + alarms.doubled,
      wrong: field.wrong,
      maxRecoveryMs: Math.round(Math.max(0, ...this.#recovery.values())),
      recoveryMs: Object.fromEntries([...this.#recovery].map(([victim, ms]) => [victim, Math.round(ms)])),
    };
  }

  async #end(victim: Victim): Promise<void> {
    if (victim !== "gw-1" && victim !== "cloud") {
      await this.#park.servers.server(victim).kill();
      await this.#park.servers.restart(victim);
      return;
    }
    const before = this.#park.kill(victim);
    await until(`${victim} to be started again`, () => (this.#park.pid(victim) === before ? undefined : true));
  }

  /** Resolves when the counting signal is seen at the API as it was in the field after a time. Gives that moment, Unix ms. */
  #followed(since: number): Promise<number> {
    return until(
      "the counting signal to be seen",
      async () => {
        const { current } = await this.#client.get<PointView>(POINT_URL);
        const at = Date.parse(current.observedAt ?? "");
        return current.quality === "good" && at > since ? at : undefined;
      },
      GIVE_UP_MS,
    );
  }

  async #record(): Promise<void> {
    const since = Math.max(this.#begun, ...[...this.#changes.values()].slice(-1).map(({ at }) => at));
    for (const change of await this.#counting.changes(since)) this.#changes.set(Number(change.value), change);
  }

  #stored(): Promise<readonly StoredSample[]> {
    return storedSamples(this.#client, CountingSignal.point, this.#begun);
  }

  /** The counting signal's history beside the field's own record. */
  async #againstField(): Promise<Pick<StormAccount, "missing" | "doubled" | "wrong">> {
    const samples = (await this.#stored()).filter(({ value }) => this.#changes.has(Number(value)));
    const good = samples.filter(({ quality }) => quality === "good");
    const values = good.map(({ value }) => Number(value)).filter((value, index, all) => value !== all[index - 1]);
    const known = new Set(values);
    const inOrder = [...this.#changes.keys()].filter((value) => known.has(value));
    const wrong = values.filter((value, index) => value !== inOrder[index]).length;
    const early = good.filter(({ t, value }) => t < (this.#changes.get(Number(value))?.at ?? t)).length;
    const missing = [...this.#changes.values()].flatMap(({ at, value }) => {
      const window = this.#observed.find(({ from, to }) => at > from && at <= to);
      if (window === undefined || known.has(Number(value))) return [];
      return [{ value: Number(value), sinceMs: at - window.from, untilMs: window.to - at }];
    });
    return {
      missing,
      // A gateway that was started again reads once more what it may have read before.
      doubled: Math.max(0, good.length - values.length - this.#gatewayKills),
      wrong: wrong + early,
    };
  }

  /** What gateways have numbered beside what the histories of all points hold. */
  async #againstOffsets(): Promise<{
    committed: number;
    losses: { offsets: number; samples: number };
    doubled: number;
  }> {
    const lanesOf = async () => (await this.#client.get<Completeness>("/gateways/gw-1/completeness")).lanes;
    // The gateway stands still meanwhile, so that no sample comes between the two counts.
    this.#park.kill("gw-1", "SIGSTOP");
    try {
      const numbered = async (): Promise<number> =>
        (await lanesOf()).filter(({ lane }) => lane === "telemetry").reduce((sum, { stored }) => sum + stored, 0);
      const settled = await until("ingest to have settled", async () => {
        const before = await numbered();
        await sleep(200);
        return before === (await numbered()) ? before : undefined;
      });
      const points = await this.#client.all<PointView>("/points");
      let kept = 0;
      for (const { id } of points) kept += (await storedSamples(this.#client, id, 0)).length;
      const lanes = await lanesOf();
      const missing = lanes.reduce((sum, { from, upTo, stored }) => sum + (upTo - from + 1 - stored), 0);
      return {
        committed: lanes.reduce((sum, { stored }) => sum + stored, 0),
        losses: { offsets: missing, samples: Math.max(0, settled - kept) },
        doubled: Math.max(0, kept - settled),
      };
    } finally {
      this.#park.kill("gw-1", "SIGCONT");
    }
  }

  /** The alarm's journal beside how often it was raised in the field. */
  async #againstAlarms(): Promise<{ lost: number; doubled: number }> {
    let raised = 0;
    for (const { id } of await alarmsOf(this.#client, DEFINITION))
      raised += (await journalOf(this.#client, id)).filter(({ transition }) => transition === "raised").length;
    return { lost: Math.max(0, this.#raised - raised), doubled: Math.max(0, raised - this.#raised) };
  }
}
