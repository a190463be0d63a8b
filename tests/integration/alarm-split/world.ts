import { isClosed } from "#core/alarm/lifecycle.ts";
import type { LaneItem } from "#core/contracts/lanes.ts";
import { type GatewayId, gatewayId, pointId } from "#core/ids.ts";
import type { Alarm, AlarmDefinition, Law } from "#core/model/alarm.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import { EdgeAlarms } from "#edge/alarms.ts";
import type { ManualClock } from "#tests/manual-clock.ts";
import { type Domains, LI } from "#tests/unit/cloud/domain-bench.ts";
import { ModelOutbox } from "./model-outbox.ts";

/** One thing that happens in a park whose gateway and cloud can be apart. */
export type Step =
  /** The condition comes or goes in the field; the driver tells it when the gateway lives. */
  | { readonly do: "field"; readonly active: boolean }
  /** What the gateway has queued goes onto its disk. */
  | { readonly do: "commit" }
  /** The gateway is killed and starts again. */
  | { readonly do: "crash" }
  /** Its database is kept as a backup. */
  | { readonly do: "backup" }
  /** The gateway is started on that backup. */
  | { readonly do: "restore" }
  /** Another machine takes its place, with an empty disk. */
  | { readonly do: "replace" }
  /** So many items reach the cloud, of which the gateway hears or not. */
  | { readonly do: "deliver"; readonly items: number; readonly acknowledged: boolean }
  /** Something that the cloud has had comes once more. */
  | { readonly do: "again"; readonly nth: number }
  /** Commands that wait on the way reach the gateway. */
  | { readonly do: "commands" }
  | { readonly do: "panel"; readonly action: "acknowledge" | "reset" }
  | { readonly do: "operator"; readonly action: OperatorAct }
  | { readonly do: "wait"; readonly ms: number };

/** What a person does to what the console shows. */
export type OperatorAct = "acknowledge" | "reset" | "shelve" | "unshelve" | "outOfService" | "returnToService";

const SAMPLE = { quality: "good" } as const;

/** One gateway with one condition, and the cloud. */
export class SplitPark {
  readonly gateway: GatewayId;
  /** How often the condition came in the field. */
  activations = 0;
  /** Alarm and occurrence of each acknowledgement that somebody gave. */
  readonly acknowledgements = new Set<string>();
  /** How often the gateway's records were lost or became older ones: what holds then may be raised anew. */
  lostRecords = 0;
  readonly #definition: AlarmDefinition;
  readonly #cloud: Domains;
  readonly #clock: ManualClock;
  readonly #had: LaneItem[] = [];
  readonly #epoch: () => string;
  #outbox: ModelOutbox;
  #backup: ModelOutbox | undefined;
  #alarms: EdgeAlarms;
  #active = false;
  /** Next offset that the cloud has not stored, of the present epoch. */
  #cursor = 0;
  #renumber = false;

  constructor(name: string, law: Law, cloud: Domains, clock: ManualClock) {
    let epochs = 0;
    this.#epoch = () => `${name}-${epochs++}`;
    this.gateway = gatewayId(`park/${name}`);
    this.#cloud = cloud;
    this.#clock = clock;
    this.#definition = {
      id: `${name}.condition`,
      category: law === "security" ? "intrusion" : "equipment",
      priority: "medium",
      condition: { type: "equals", point: `${this.gateway}/panel/input`, value: true },
      message: "报警",
      messageEn: "Alarm",
    };
    cloud.link.online.add(this.gateway);
    this.#outbox = new ModelOutbox(this.#epoch(), () => clock.now());
    this.#alarms = this.#started();
  }

  /** Open alarms as the gateway knows them. */
  get edge(): readonly Alarm[] {
    return this.#alarms.open();
  }
  /** Does the condition hold in the field? */
  get active(): boolean {
    return this.#active;
  }
  /** Everything that the cloud was told, in the order in which it first came. */
  get told(): readonly LaneItem[] {
    return this.#had;
  }

  step(step: Step): void {
    switch (step.do) {
      case "field":
        if (step.active && !this.#active) this.activations++;
        this.#active = step.active;
        this.#sample();
        break;
      case "commit":
        this.#outbox.commit();
        break;
      case "crash":
        this.#start(this.#outbox.crashed());
        break;
      case "backup":
        this.#outbox.commit();
        this.#backup = this.#outbox.copy();
        break;
      case "restore":
        if (this.#backup === undefined) break;
        this.#renumber = true;
        this.lostRecords++;
        this.#start(this.#backup.copy());
        break;
      case "replace":
        this.#renumber = false;
        this.#cursor = 0;
        this.lostRecords++;
        this.#start(new ModelOutbox(this.#epoch(), () => this.#clock.now()));
        break;
      case "deliver":
        this.#deliver(step.items, step.acknowledged);
        break;
      case "again": {
        const item = this.#had[step.nth % Math.max(1, this.#had.length)];
        // the lane brings each item once and in order: only an alarm's own record must bear to be told again
        if (item?.kind === "alarm") this.#cloud.item(this.gateway, item);
        break;
      }
      case "commands":
        this.#commands();
        break;
      case "panel":
        this.#panel(step.action);
        break;
      case "operator":
        this.#operator(step.action);
        break;
      case "wait":
        this.#clock.advance(step.ms);
        break;
      default:
        step satisfies never;
    }
  }

  /** Everything arrives that is on its way, and nothing else happens. */
  settle(): void {
    // what was sent into the void is sent again after half a minute
    for (const waitMs of [0, 31_000, 0, 31_000, 0]) {
      this.#outbox.commit();
      this.#deliver(Number.POSITIVE_INFINITY, true);
      this.#clock.advance(waitMs);
      this.#commands();
    }
  }

  stop(): void {
    this.#alarms.stop();
    this.#cloud.link.online.delete(this.gateway);
  }

  #started(): EdgeAlarms {
    const alarms = new EdgeAlarms({
      origin: this.gateway,
      outbox: this.#outbox,
      clock: this.#clock,
      onChange: () => undefined,
      fieldAct: async () => undefined,
    });
    alarms.configure([this.#definition], { zone: () => undefined, point: () => undefined, device: () => undefined });
    return alarms;
  }

  #start(outbox: ModelOutbox): void {
    this.#alarms.stop();
    this.#outbox = outbox;
    this.#alarms = this.#started();
    this.#sample();
  }

  #sample(): void {
    const at = this.#clock.now();
    const point = pointId(`${this.gateway}/panel/input`);
    this.#alarms.onSample({ ...SAMPLE, point, value: this.#active, observedAt: at });
  }

  #deliver(count: number, acknowledged: boolean): void {
    if (this.#renumber) {
      // the cloud's greeting tells of offsets that this file never sent
      this.#renumber = false;
      this.#cursor = 0;
      this.#outbox.commit();
      this.#outbox.renumber(this.#epoch());
      this.#alarms.renewed();
      this.#sample();
      return;
    }
    for (const item of this.#outbox.items.filter(({ offset }) => offset > this.#cursor).slice(0, count)) {
      this.#cloud.item(this.gateway, item);
      this.#cursor = item.offset;
      this.#had.push(item);
    }
    if (acknowledged) this.#outbox.acknowledge(this.#cursor);
  }

  #commands(): void {
    const { sent } = this.#cloud.link;
    const mine = sent.filter(({ gateway }) => gateway === this.gateway);
    sent.splice(0, sent.length, ...sent.filter(({ gateway }) => gateway !== this.gateway));
    for (const { command } of mine) {
      if (command.kind !== "alarm") continue;
      const refused = this.#alarms.command(command);
      const finishedAt = this.#clock.now();
      const end = refused === undefined ? { status: "done" as const } : { status: "rejected" as const, ...refused };
      this.#outbox.append("events", { kind: "commandResult", result: { id: command.id, finishedAt, ...end } });
    }
  }

  #panel(action: "acknowledge" | "reset"): void {
    const [alarm] = this.#alarms.open();
    if (alarm === undefined) return;
    const now = this.#clock.now();
    const command: AlarmCommand = {
      kind: "alarm",
      id: `panel-${now}-${alarm.version}`,
      requestedBy: "panel",
      fence: 1,
      createdAt: now,
      expiresAt: now + 1_000,
      alarm: alarm.id,
      occurrence: alarm.occurrence,
      action,
    };
    if (action === "acknowledge") this.acknowledgements.add(`${alarm.id} ${alarm.occurrence}`);
    this.#alarms.command(command);
  }

  #operator(action: OperatorAct): void {
    const shown = this.shown().find((alarm) => !isClosed(alarm));
    if (shown === undefined) return;
    if (action === "acknowledge") this.acknowledgements.add(`${shown.id} ${shown.occurrence}`);
    try {
      this.#cloud.alarms.act(shown.id, action, { occurrence: shown.occurrence, comment: "why", minutes: 10 }, LI);
    } catch {
      // refused by the law or by the state: nothing has changed
    }
  }

  /** The cloud's records of this gateway's alarms, newest first. */
  shown(): readonly Alarm[] {
    const { db } = this.#cloud;
    return db.sync
      .all(
        db.kysely
          .selectFrom("alarms")
          .select("document")
          .where("origin", "=", this.gateway)
          .orderBy("raised_at", "desc"),
      )
      .map(({ document }) => JSON.parse(document) as Alarm);
  }

  /** The journal of this gateway's alarms, in the order in which it was written. */
  journal(): readonly { readonly alarm: string; readonly occurrence: number; readonly transition: string }[] {
    const { db } = this.#cloud;
    const ids = this.shown().map(({ id }) => id);
    return db.sync.all(
      db.kysely
        .selectFrom("alarm_journal")
        .select(["alarm", "occurrence", "transition"])
        .where("alarm", "in", ids)
        .orderBy("seq"),
    );
  }
}
