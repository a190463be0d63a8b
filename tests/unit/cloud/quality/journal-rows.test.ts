import { expect, it } from "vitest";
import { JournalRows } from "#cloud/quality/journal-rows.ts";
import type { AlarmTransition } from "#core/model/alarm.ts";
import { AlarmHistory, aFacilityAlarm } from "#tests/fixtures/cloud/alarm-history.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";

const START = Date.parse("2026-11-21T09:00:00Z");
/** More than one read of the database gives. */
const MANY = 700;

it("tells what hid alarms in the order in which it was written, whichever way each was hidden", async () => {
  const db = await openRecords(":memory:");
  const history = new AlarmHistory(db);
  const written: string[] = [];
  const happen = (id: string, transition: AlarmTransition, version: number): void => {
    history.happened(aFacilityAlarm(id, START, { version }), transition, START + written.length);
    written.push(`${id} ${transition}`);
  };
  history.atOnce(() => {
    happen("first", "outOfService", 1);
    for (let i = 0; i < MANY; i++) {
      happen(`a-${i}`, "suppressed", 1);
      happen(`a-${i}`, "unsuppressed", 2);
    }
    for (let i = 0; i < MANY; i++) happen(`b-${i}`, "suppressed", 1);
    happen("last", "shelved", 1);
    for (let i = 0; i < MANY; i++) happen(`b-${i}`, "unsuppressed", 2);
    happen("first", "returnedToService", 2);
  });
  const told: string[] = [];
  for await (const entries of new JournalRows(db).hiding(START, START + written.length))
    told.push(...entries.map(({ alarm, transition }) => `${alarm} ${transition}`));
  expect(told).toEqual(written);
  await db.close();
});
