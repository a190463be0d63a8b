import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { ForeignNodes } from "#cloud/ingest/foreign-nodes.ts";
import { gatewayId } from "#core/ids.ts";
import { DataType } from "#core/sparkplug/datatype.ts";
import { MetricTable } from "#core/sparkplug/metric-table.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const NODE = gatewayId("park/plc-7");

let db: Db;
let log: KeptLog;
const registered = new Map<string, { space: string }>();
beforeEach(async () => {
  log = new KeptLog();
  db = await openRecords(":memory:");
  registered.clear();
  registered.set(NODE, { space: "hall" });
});
afterEach(() => db.close());

const open = () =>
  new ForeignNodes({ db, nodeOf: (id) => registered.get(id), clock: new ManualClock(1_790_000_000_000), logger: log });

/** The metrics of a birth, as the host session hands them on. */
const born = (...metrics: { name: string; datatype?: DataType; unit?: string }[]) =>
  new MetricTable().declare(
    metrics.map(({ name, datatype = DataType.Double, unit }) => ({
      name,
      datatype,
      value: null,
      ...(unit === undefined ? {} : { properties: { unit: { type: DataType.String, value: unit } } }),
    })),
    1_790_000_000_000,
  );

describe("the points of a foreign edge node", () => {
  it("are those of its births, in the space of the node, and stay over a restart", () => {
    open().born(
      NODE,
      "press",
      born({ name: "temperature", unit: "degC" }, { name: "bdSeq" }, { name: "Node Control/Rebirth" }),
    );
    const again = open();
    expect([...again.points().values()]).toEqual([
      {
        id: "park/plc-7/press/temperature",
        name: "temperature",
        nameEn: "temperature",
        kind: "number",
        unit: "degC",
        space: "hall",
        tags: [],
        writable: false,
        revision: 1,
        address: { metric: "temperature" },
      },
    ]);
    expect([...again.devices().keys()]).toEqual(["park/plc-7/press"]);
  });

  it("are told when they are new or have changed, and not at every birth", () => {
    const nodes = open();
    let told = 0;
    nodes.onChange(() => told++);
    for (let birth = 0; birth < 5; birth++) nodes.born(NODE, "press", born({ name: "speed" }));
    expect(told).toBe(1);
    nodes.born(NODE, "press", born({ name: "speed", unit: "kW" }));
    expect(told).toBe(2);
    expect(nodes.points().get("park/plc-7/press/speed")?.unit).toBe("kW");
  });

  it("never share an id, however their names differ, and ids are the same again after a restart", () => {
    const names = ["a/b", "a b", "a_b", "a:b", "温度", "湿度", `${"x".repeat(80)}1`, `${"x".repeat(80)}2`];
    const nodes = open();
    nodes.born(NODE, "press", born(...names.map((name) => ({ name }))));
    const ids = [...nodes.points().keys()];
    expect(new Set(ids).size).toBe(names.length);
    for (const id of ids) expect(id).toMatch(/^park\/plc-7\/press\/[A-Za-z0-9_.-]{1,64}$/);
    expect([...open().points().keys()]).toEqual(ids);
  });

  it("are bounded: what is more is neither listed nor stored, and that is said", () => {
    const nodes = open();
    const many = Array.from({ length: 20_010 }, (_, nr) => ({ name: `m${nr}` }));
    nodes.born(NODE, "press", born(...many));
    expect(nodes.points().size).toBe(20_000);
    expect(log.lines.filter((line) => line.includes("too many points"))).toHaveLength(1);
    expect(nodes.known(NODE, "press", born({ name: "m0" }, { name: "m20005" }))).toHaveLength(1);
  });

  it("go when the node is no longer registered, and are not there while it is not", () => {
    const nodes = open();
    nodes.born(NODE, undefined, born({ name: "uptime" }));
    expect([...nodes.devices().values()]).toMatchObject([{ id: "park/plc-7/_node", name: "plc-7" }]);
    nodes.forget(NODE);
    expect(nodes.points().size).toBe(0);
    expect(open().points().size).toBe(0);
    expect(nodes.known(NODE, undefined, born({ name: "uptime" }))).toEqual([]);
  });
});

describe("the offsets of a foreign edge node", () => {
  it("follow each other without a hole, and never meet those of the run of the cloud before", () => {
    const nodes = open();
    const first = nodes.mint(NODE, 3);
    expect(first).toEqual({ epoch: expect.stringMatching(/^[0-9a-f]{32}$/), first: 1, last: 3 });
    expect(nodes.mint(NODE, 1)).toEqual({ ...first, first: 4, last: 4 });
    expect(open().mint(NODE, 1).epoch).not.toBe(first.epoch);
  });
});
