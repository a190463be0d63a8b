import { sql } from "kysely";
import { expect, it } from "vitest";
import { KeptValues } from "#cloud/state/kept-values.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords, runSql } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { sampleOf, TEMPERATURE } from "../small-park.ts";

it("the last values are kept as soon as a database that refused takes them again, and the process lives on", async () => {
  const db = await openRecords(":memory:");
  const clock = new ManualClock(1_790_000_000_000);
  const sample = sampleOf(TEMPERATURE, 21);
  const kept = new KeptValues({
    db,
    clock,
    logger: silentLogger,
    changedSince: (revision) => ({ revision: revision + 1, samples: [sample] }),
  });
  runSql(db, sql`alter table last_values rename to taken_away`);
  expect(() => clock.advance(15_000)).not.toThrow();
  runSql(db, sql`alter table taken_away rename to last_values`);
  expect(KeptValues.load(db)).toEqual([]);
  clock.advance(15_000);
  expect(KeptValues.load(db)).toEqual([sample]);
  await kept.close();
  await db.close();
});
