import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AuditChain } from "#cloud/audit/log.ts";
import type { Db } from "#cloud/db/database.ts";
import type { JobQueue } from "#cloud/job-ports.ts";
import { EmbeddedJobQueue } from "#cloud/jobs/embedded-queue.ts";
import { Egress } from "#cloud/notify/egress.ts";
import type { FailureNotice } from "#cloud/notify/post-office.ts";
import { Notify } from "#cloud/notify/service.ts";
import type { Clock } from "#core/clock.ts";
import type { DeliveryView, NotifyContact, NotifyRule, NotifyStep } from "#core/contracts/notify.ts";
import type { NotifyChannel } from "#core/contracts/notify-channel.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

/** Monday noon in Shanghai. */
export const NOON = Date.parse("2026-11-23T04:00:00Z");
export const MINUTE_MS = 60_000;
const BOSS = { name: "li.wei", grants: [] };

/** The site of the bench: a park with one building. */
const SPACES = [
  { id: "park", name: "园区", nameEn: "Park", kind: "site" },
  { id: "building-a", name: "A 楼", nameEn: "Building A", kind: "building", parent: "park" },
  { id: "gate-3", name: "3 号门", nameEn: "Gate 3", kind: "outdoor", parent: "park" },
] as const;

/** An alarm that has just come. */
export function alarmOf(id: string, more: Partial<Alarm> = {}): Alarm {
  return {
    id,
    occurrence: 1,
    origin: "park/gw-1",
    definition: "hot",
    law: "facility",
    category: "equipment",
    priority: "high",
    condition: "active",
    live: true,
    acknowledged: false,
    suppression: [],
    source: "park/gw-1/ahu/temperature",
    area: "building-a",
    message: `${id} 过热`,
    messageEn: `${id} too hot`,
    raisedAt: NOON,
    receivedAt: NOON,
    version: 1,
    ...more,
  };
}

/** An intrusion at the gate. */
export function intrusionOf(id: string, more: Partial<Alarm> = {}): Alarm {
  return alarmOf(id, { law: "security", category: "intrusion", priority: "high", area: "gate-3", ...more });
}

/** A rule that tells everything of the control room at once, each alarm by itself. */
export function ruleOf(steps: readonly Partial<NotifyStep>[], more: Partial<NotifyRule> = {}): NotifyRule {
  return {
    name: "rule",
    position: "control-room",
    enabled: true,
    on: ["raised"],
    laws: [],
    categories: [],
    priorities: [],
    steps: steps.map((step) => ({ afterMinutes: 0, to: [], channels: ["hook"], ...step })),
    quietHours: [],
    groupSeconds: 0,
    tooLateMinutes: 60,
    stopWhenCleared: true,
    ...more,
  };
}

/** Notification with its queue on one record database, as one process has it. */
export class NotifyProcess {
  readonly notices: FailureNotice[] = [];
  readonly log = new KeptLog();
  readonly notify: Notify;
  readonly queue: JobQueue;
  readonly db: Db;
  readonly permitted = new Set<string>();
  /** Names that were looked up. */
  readonly lookups: string[] = [];

  constructor(db: Db, folder: string, clock: Clock, queue?: JobQueue) {
    this.db = db;
    this.queue = queue ?? new EmbeddedJobQueue({ db, clock, logger: this.log });
    this.notify = new Notify({
      db,
      jobs: this.queue,
      catalog: { timeZone: "Asia/Shanghai", spaces: () => [...SPACES], onChange: () => undefined },
      audit: new AuditChain(db, () => clock.now()),
      below: (space) => new Set(space === "park" ? SPACES.map(({ id }) => id) : [space]),
      knowsUser: (user) => user === "li.wei",
      permits: { permitOf: ({ definition }) => (this.permitted.has(definition) ? "permit-1" : undefined) },
      notice: (notice) => () => void this.notices.push(notice),
      secretsFile: path.join(folder, "secrets.json"),
      egress: new Egress(["127.0.0.1", "localhost", "hooks.example", "rebound.example"], async (host) => {
        this.lookups.push(host);
        // A name server that gives another answer the second time.
        if (host !== "rebound.example") return ["127.0.0.1"];
        return [this.lookups.filter((one) => one === host).length % 2 === 1 ? "127.0.0.1" : "169.254.169.254"];
      }),
      clock,
      logger: this.log,
    });
  }

  async start(): Promise<void> {
    this.notify.start();
    await this.queue.start();
  }

  channel(id: string, document: NotifyChannel, secrets: Record<string, string> = {}): void {
    const version = this.notify.list("channels").find((one) => one.id === id)?.version ?? 0;
    this.notify.put({ kind: "channels", id, version, document, secrets }, BOSS);
  }

  contact(id: string, document: Partial<NotifyContact>): void {
    const whole: NotifyContact = { name: id, language: "en", groups: [], ...document };
    this.notify.put({ kind: "contacts", id, version: 0, document: whole }, BOSS);
  }

  rule(id: string, document: NotifyRule): void {
    const version = this.notify.list("rules").find((one) => one.id === id)?.version ?? 0;
    this.notify.put({ kind: "rules", id, version, document }, BOSS);
  }

  /** A transition of an alarm, in a transaction as the alarms have it. */
  tell(alarm: Alarm, transition: AlarmTransition = "raised", at = alarm.raisedAt): void {
    this.db.sync.transaction(() => {
      this.notify.listener({ alarm, transition, at });
    });
  }

  deliveries(): readonly DeliveryView[] {
    return this.notify.deliveries({ limit: 1000, language: "en" }).items.toReversed();
  }
}

/** One record database and the processes that come and go on it. */
export class NotifyBench {
  readonly folder = mkdtempSync(path.join(tmpdir(), "parkhub-notify-"));
  readonly clock = new ManualClock(NOON);
  readonly #closers: (() => Promise<void>)[] = [];

  /** A new process on the bench's file. */
  async open(): Promise<NotifyProcess> {
    const db = await openRecords(path.join(this.folder, "records.db"));
    const process = new NotifyProcess(db, this.folder, this.clock);
    await process.start();
    this.#closers.push(async () => {
      const closed = process.queue.close();
      this.clock.advance(6000);
      await closed;
      await db.close();
    });
    return process;
  }

  /** Ends the processes; the queue's last seconds pass. */
  async end(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  /** Lets time pass in steps. What goes over a socket takes its own time: the clock stands still until it has ended. */
  async pass(process: NotifyProcess, ms: number, stepMs = Math.max(10_000, ms / 12)): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, ms));
      await this.settle(process);
    }
  }

  /** Until nothing is due and nothing under way any more. */
  async settle(process: NotifyProcess): Promise<void> {
    for (let quiet = 0; quiet < 5; ) {
      this.clock.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
      quiet = (await process.queue.counts()).active === 0 ? quiet + 1 : 0;
    }
  }

  async clear(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
