import { expect, it } from "vitest";
import { openDatabase } from "#cloud/db/database.ts";
import { KeptValues } from "#cloud/state/kept-values.ts";
import { silentLogger } from "#core/logger.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { sampleOf, TEMPERATURE } from "../small-park.ts";

it("the last values are kept as soon as a database that refused takes them again, and the process lives on", async () => {
  const db = await openDatabase(":memory:", silentLogger);
  const clock = new ManualClock(1_790_000_000_000);
  const sample = sampleOf(TEMPERATURE, 21);
  const kept = new KeptValues({ db, clock, logger: silentLogger, samples: () => [sample] });
  db.sync.run({
    compile: () => ({
      ...db.kysely.selectFrom("last_values").selectAll().compile(),
      sql: "CREATE TRIGGER refusing BEFORE INSERT ON last_values BEGIN SELECT RAISE(ABORT, 'the disk refuses'); END",
    }),
  });
  expect(() => clock.advance(15_000)).not.toThrow();
  expect(KeptValues.load(db)).toEqual([]);
  db.sync.run({
    compile: () => ({
      ...db.kysely.selectFrom("last_values").selectAll().compile(),
      sql: "DROP TRIGGER refusing",
    }),
  });
  clock.advance(15_000);
  expect(KeptValues.load(db)).toEqual([sample]);
  kept.close();
  await db.close();
});
