import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { AuditChain } from "#cloud/audit/log.ts";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { ProcessLiveBus } from "#cloud/live/bus.ts";
import { buildQuality } from "#cloud/quality-domains.ts";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { aFacilityAlarm } from "#tests/fixtures/cloud/alarm-history.ts";
import type { Bench } from "./bench.ts";

const SMOKE = process.env["PARKHUB_BENCH_SMOKE"] === "1";
/** Rows of the journal in 30 days; an alarm makes three. */
const ROWS = SMOKE ? 3000 : 100_000;
const ROUNDS = SMOKE ? 1 : 3;
const DAY_MS = 86_400_000;
const DAYS = 30;
/** Alarm definitions of a large park. */
const DEFINITIONS = 800;

/** The journal of a month: alarms that come, are acknowledged and go. */
function fill(db: Db, now: number): void {
  const alarms = Math.floor(ROWS / 3);
  const step = (DAYS * DAY_MS) / alarms;
  let seq = 0;
  db.sync.transaction(() => {
    for (let i = 0; i < alarms; i++) {
      const raisedAt = Math.floor(now - DAYS * DAY_MS + i * step);
      const alarm = aFacilityAlarm(`alarm-${i}`, raisedAt, { definition: `definition-${(i * 7919) % DEFINITIONS}` });
      for (const [transition, afterMs] of [
        ["raised", 0],
        ["acknowledged", 40_000],
        ["cleared", 300_000],
      ] as const) {
        const hash = createHash("sha256").update(`${++seq}`).digest("hex");
        const { id, law, category, priority, definition, source, area = null, message, messageEn } = alarm;
        db.sync.run(
          db.kysely.insertInto("alarm_journal").values({
            ...{ seq, happening: `${seq}`, alarm: id, occurrence: 1, transition, clock_offset_ms: null },
            at: raisedAt + afterMs,
            received_at: raisedAt + afterMs,
            ...{ actor: transition === "acknowledged" ? "li.wei" : null, station: null, comment: null },
            ...{ law, category, priority, definition, source, point: null, device: null, zone: null, area },
            ...{ message, message_en: messageEn, search: "", prev_hash: hash, hash },
          }),
        );
      }
    }
  });
}

/** How long the key figures of 30 days take, and for how long at most nothing else could run meanwhile. */
export const alarmQuality: Bench = async (say) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-bench-"));
  try {
    const db = await openDatabase(path.join(folder, "records.db"), silentLogger);
    const now = systemClock.now();
    fill(db, now);
    say(`${ROWS} rows of the journal`);
    const { quality } = buildQuality({
      db,
      catalog: { timeZone: "Asia/Shanghai", point: () => undefined },
      alarms: { list: () => ({ items: [] }) },
      doors: { list: () => [] },
      definitions: {
        get: () => undefined,
        change: () => {
          throw new Error("nothing is changed here");
        },
      },
      maintenance: { list: () => ({ items: [] }), permitOf: () => undefined, beganAt: () => undefined },
      positions: { positions: () => [], of: () => [] },
      audit: new AuditChain(db, () => systemClock.now()),
      bus: new ProcessLiveBus(() => undefined),
      clock: systemClock,
      logger: silentLogger,
      below: () => new Set<string>(),
    });
    const span = { visible: "all", from: now - DAYS * DAY_MS, to: now } as const;
    const measured = async (work: () => Promise<unknown>): Promise<{ ms: number; blockedMs: number }> => {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const started = performance.now();
      await work();
      const ms = performance.now() - started;
      delay.disable();
      return { ms, blockedMs: delay.max / 1e6 };
    };
    const rounds: { ms: number; blockedMs: number }[] = [];
    const actors: { ms: number; blockedMs: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await measured(() => quality.kpi({ ...span, by: "hour" })));
      actors.push(await measured(() => quality.badActors({ ...span, limit: 50 })));
      say(`round ${round + 1}: ${Math.round(rounds.at(-1)?.ms ?? 0)} ms`);
    }
    await db.close();
    const median = (of: readonly number[]): number => Math.round(of.toSorted((a, b) => a - b)[of.length >> 1] ?? 0);
    return {
      figures: {
        rows: ROWS,
        kpiMs: median(rounds.map(({ ms }) => ms)),
        kpiBlockedMs: median(rounds.map(({ blockedMs }) => blockedMs)),
        kpiBlockedMostMs: Math.round(Math.max(...rounds.map(({ blockedMs }) => blockedMs))),
        badActorsMs: median(actors.map(({ ms }) => ms)),
        badActorsBlockedMostMs: Math.round(Math.max(...actors.map(({ blockedMs }) => blockedMs))),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
