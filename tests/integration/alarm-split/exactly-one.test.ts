import fc from "fast-check";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { letter } from "#core/alarm/lifecycle.ts";
import type { Alarm, Law } from "#core/model/alarm.ts";
import { runSql } from "#tests/fixtures/cloud/record-databases.ts";
import { DomainBench, type Domains } from "#tests/unit/cloud/domain-bench.ts";
import { type OperatorAct, SplitPark, type Step } from "./world.ts";

const HISTORIES = process.env["PARKHUB_TEST_LONG"] === "1" ? 100_000 : 2_000;
/** Histories that share one database. */
const A_FILE = 250;

const acts: readonly OperatorAct[] = [
  "acknowledge",
  "acknowledge",
  "reset",
  "shelve",
  "unshelve",
  "outOfService",
  "returnToService",
];
const plain = (step: Step) => fc.constant(step);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.boolean().map((active): Step => ({ do: "field", active })) },
  { weight: 5, arbitrary: plain({ do: "commit" }) },
  { weight: 2, arbitrary: plain({ do: "crash" }) },
  { weight: 1, arbitrary: plain({ do: "backup" }) },
  { weight: 1, arbitrary: plain({ do: "restore" }) },
  { weight: 1, arbitrary: plain({ do: "replace" }) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.boolean())
      .map(([items, acknowledged]): Step => ({ do: "deliver", items, acknowledged })),
  },
  { weight: 2, arbitrary: fc.nat(30).map((nth): Step => ({ do: "again", nth })) },
  { weight: 3, arbitrary: plain({ do: "commands" }) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom("acknowledge" as const, "reset" as const)
      .map((action): Step => ({ do: "panel", action })),
  },
  { weight: 5, arbitrary: fc.constantFrom(...acts).map((action): Step => ({ do: "operator", action })) },
  { weight: 2, arbitrary: fc.constantFrom(1, 400_000, 700_000).map((ms): Step => ({ do: "wait", ms })) },
);
const history = fc.tuple(fc.constantFrom("facility" as const, "security" as const), fc.array(step, { maxLength: 30 }));

const deliver: Step = { do: "deliver", items: 9, acknowledged: true };
/** An alarm that is over at the cloud, and holds in the records that are put back, and in the field. */
const putBack: [Law, Step[]] = [
  "facility",
  [
    { do: "field", active: true },
    { do: "backup" },
    deliver,
    { do: "field", active: false },
    { do: "panel", action: "acknowledge" },
    { do: "commit" },
    deliver,
    { do: "field", active: true },
    { do: "restore" },
    deliver,
  ],
];

/** What may begin an occurrence of an alarm whose condition has held on. [AL-13] */
const ANNOUNCED: ReadonlySet<string> = new Set(["unshelved", "unsuppressed", "returnedToService", "reAlarmed"]);

const named = ({ alarm, occurrence }: { readonly alarm: string; readonly occurrence: number }) =>
  `${alarm} ${occurrence}`;
/** An alarm without what only the side that writes it uses. */
const essence = ({ id, occurrence, live, acknowledged, condition, suppression }: Alarm) => ({
  id,
  occurrence,
  live,
  acknowledged,
  condition,
  suppression,
});

describe("any history of a gateway and a cloud that are cut, killed, put back and replaced", () => {
  let bench: DomainBench;
  let cloud: Domains;
  beforeEach(async () => {
    bench = new DomainBench();
    cloud = await bench.open();
    // what is proved here is no power cut of the cloud: that is the kill storm's
    runSql(cloud.db, sql`pragma synchronous = off`);
  });
  afterEach(() => bench.clear());

  let parks = 0;
  function holds(law: "facility" | "security", steps: readonly Step[]): void {
    const park = new SplitPark(`g${parks++}`, law, cloud, bench.clock);
    for (const one of steps) park.step(one);
    park.settle();
    const journal = park.journal();
    const shown = park.shown();

    const raised = journal.filter(({ transition }) => transition === "raised").map(named);
    expect(new Set(raised).size, "each activation is raised once").toBe(raised.length);
    expect(raised.length, "nothing is raised that was no activation").toBeLessThanOrEqual(
      park.activations + park.lostRecords,
    );
    const told = park.told.flatMap((item) =>
      item.kind === "alarm" && item.transition === "raised" ? [`${item.alarm.id} ${item.alarm.occurrence}`] : [],
    );
    expect(new Set(raised), "no activation that was told is missing").toEqual(new Set(told));

    const live = shown.filter((alarm) => alarm.live);
    expect(live.length, "an active condition is one active alarm, and no other is").toBe(park.active ? 1 : 0);
    expect(live.map(essence), "both sides show the same").toEqual(park.edge.filter((alarm) => alarm.live).map(essence));

    const cleared = new Set(journal.filter(({ transition }) => transition === "cleared").map(named));
    const now = new Set(live.map(({ id, occurrence }) => `${id} ${occurrence}`));
    // what is announced again after it was hidden is another occurrence of the same activation
    const again = journal.filter(({ transition }) => ANNOUNCED.has(transition));
    const goesOn = new Set(again.map(({ alarm, occurrence }) => `${alarm} ${occurrence - 1}`));
    const begun = new Set([...raised, ...again.map(named)]);
    const open = [...begun].filter((one) => !cleared.has(one) && !now.has(one) && !goesOn.has(one));
    expect(open, "no return is lost").toEqual([]);

    const acknowledged = journal.filter(({ transition }) => transition === "acknowledged").map(named);
    expect(
      acknowledged.filter((one) => !park.acknowledgements.has(one)),
      "nobody acknowledged it",
    ).toEqual([]);

    for (const alarm of shown.filter((one) => !one.live)) {
      const wasAcknowledged = acknowledged.includes(`${alarm.id} ${alarm.occurrence}`);
      expect(alarm.acknowledged, "acknowledged is what was acknowledged by somebody").toBe(wasAcknowledged);
      const known = park.edge.find(({ id }) => id === alarm.id);
      if (known !== undefined) expect(essence(alarm), "both sides show the same").toEqual(essence(known));
      else expect(["A", "D", "latched"], "what the gateway forgot is not hidden").toContain(letter(alarm));
    }
    park.stop();
    cloud.changes.length = 0;
  }

  for (let from = 0; from < HISTORIES; from += A_FILE)
    it(`is one alarm per activation, with its return, and none that rises again (${from + 1} to ${from + A_FILE})`, {
      timeout: 600_000,
    }, () => {
      fc.assert(
        fc.property(history, ([law, steps]) => holds(law, steps)),
        { numRuns: A_FILE, examples: [[putBack]] },
      );
    });
});
