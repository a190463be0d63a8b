import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach } from "vitest";
import type { Lane } from "#core/contracts/lanes.ts";
import { type PointId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { Outbox } from "#edge/outbox.ts";
import type { AckOutcome } from "#edge/outbox-lanes.ts";
import type { OutboxLimits } from "#edge/outbox-limits.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { temporaryFolders } from "./temp-folder.ts";

export const A: PointId = pointId("site/gw/a/x");
export const B: PointId = pointId("site/gw/b/y");

/** A good sample of a number; its time is its value unless given. */
export function sample(point: PointId, value: number, observedAt = value): Sample {
  return { point, value, quality: "good", observedAt };
}

/** Queues a device event. */
export function event(outbox: Outbox, id: string): boolean {
  return outbox.append("events", {
    kind: "deviceEvent",
    event: { id, device: "site/gw/a", kind: "motion", observedAt: 1 },
  });
}

/** The cloud's ack of what was sent. */
export function ack(outbox: Outbox, lane: Lane, upTo: number): AckOutcome {
  outbox.markSent(lane, upTo);
  return outbox.acknowledge({ lane, epoch: outbox.epoch, upTo });
}

/** Every committed value, in the order of offsets. */
export function values(outbox: Outbox): unknown[] {
  return outbox.telemetryAfter(0, 1_000).flatMap((row) => row.samples.map(({ value }) => value));
}

/** One outbox file a test, and outboxes on it that are closed afterwards. Call at the top of a describe. */
export class OutboxBench {
  readonly #folder = temporaryFolders();
  readonly #opened: Outbox[] = [];
  path = "";

  constructor() {
    beforeEach(() => {
      this.path = join(this.#folder(), "outbox.db");
    });
    afterEach(() => {
      for (const outbox of this.#opened.splice(0)) outbox.close();
    });
  }

  open(limits: Partial<OutboxLimits> = {}, path = this.path): Outbox {
    const outbox = new Outbox({ path, clock: new ManualClock(1_800_000_000_000), logger: silentLogger, limits });
    outbox.numbers.register([A, B]);
    this.#opened.push(outbox);
    return outbox;
  }
  close(outbox: Outbox): void {
    this.#opened.splice(this.#opened.indexOf(outbox), 1);
    outbox.close();
  }

  /**
   * A file whose commits fail while the record test/broken is there, as they do on a full disk. The healing record is queued
   * like any other and applied first, because the file belongs to the outbox alone.
   */
  spoilt(limits: Partial<OutboxLimits> = {}): Outbox {
    this.close(this.open());
    const db = new DatabaseSync(this.path);
    db.exec(`CREATE TRIGGER spoiler BEFORE INSERT ON meta WHEN EXISTS (SELECT 1 FROM record WHERE kind = 'test')
      BEGIN SELECT RAISE(ABORT, 'the disk refuses'); END`);
    db.close();
    return this.open(limits);
  }
}
