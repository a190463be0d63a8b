import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Check } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { StoredCatalog } from "#cloud/site/catalog.ts";
import { withDescendants } from "#cloud/site/space-tree.ts";
import { KEPT_DOCUMENTS, SiteVersions, siteDifference } from "#cloud/site/versions.ts";
import { Bundle } from "#core/contracts/bundle.ts";
import type { Space } from "#core/model/site.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { AHU, GW1, GW2, LIGHT, SETPOINT, smallPark } from "../small-park.ts";

let folder = "";
let db: Db;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-site-"));
  db = await openRecords(join(folder, "parkhub.db"));
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (site = smallPark()): StoredCatalog =>
  StoredCatalog.open(
    new SiteVersions(db),
    () => site,
    () => 1000,
  );
const versions = () => db.sync.all(db.kysely.selectFrom("site_versions").selectAll().orderBy("version"));

describe("the catalogue", () => {
  it("is seeded from the files once; afterwards the database is the truth", () => {
    expect(open().version).toBe(1);
    const asked: string[] = [];
    const again = StoredCatalog.open(
      new SiteVersions(db),
      () => {
        asked.push("seed");
        return smallPark({ timeZone: "UTC" });
      },
      () => 2000,
    );
    expect(asked).toEqual([]);
    expect(again).toMatchObject({ version: 1, site: "park", timeZone: "Asia/Shanghai" });
    expect(versions()).toEqual([expect.objectContaining({ version: 1, at: 1000, actor: "system" })]);
  });

  it("lists devices and points by id and finds them", () => {
    const site = smallPark();
    const catalog = open({ ...site, points: site.points.toReversed(), devices: site.devices.toReversed() });
    expect(catalog.points().map(({ id }) => id)).toEqual(site.points.map(({ id }) => id).sort());
    expect(catalog.devices().map(({ id }) => id)).toEqual(site.devices.map(({ id }) => id).sort());
    expect(catalog.point(SETPOINT)?.max).toBe(40);
    expect(catalog.device(AHU)?.nameEn).toBe("Air handling unit");
    expect([catalog.point("none"), catalog.device("none"), catalog.alarmText("none")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(catalog.alarmText("ahu-1.high")).toMatchObject({ response: "检查阀门", responseEn: "Check the valve" });
    expect(catalog.gateways()).toEqual([
      { id: GW1, name: "网关", nameEn: "First gateway" },
      { id: GW2, name: "网关", nameEn: "Second gateway" },
    ]);
  });
});

describe("a rule that is switched off", () => {
  it("makes a new version with who, why and what, and keeps the old one", () => {
    const catalog = open();
    let told = 0;
    catalog.onChange(() => told++);
    expect(catalog.setRuleEnabled("look-there", false, "li.wei").enabled).toBe(false);
    expect(told).toBe(1);
    expect(catalog.version).toBe(2);
    const [first, second] = versions();
    expect(second).toMatchObject({ version: 2, actor: "li.wei", reason: "rule look-there disabled", at: 1000 });
    expect(JSON.parse(second?.difference ?? "")).toEqual({ added: [], removed: [], changed: ["rules/look-there"] });
    expect(JSON.parse(first?.document ?? "")).toEqual(smallPark());
    expect(
      open()
        .rules()
        .find(({ id }) => id === "look-there")?.enabled,
    ).toBe(false);
  });

  it("that is off already makes none", () => {
    const catalog = open();
    catalog.setRuleEnabled("look-there", true, "li.wei");
    expect(versions()).toHaveLength(1);
  });

  it("must be there", () => {
    expect(() => open().setRuleEnabled("none", true, "li.wei")).toThrow(
      expect.objectContaining({ code: "RULE_UNKNOWN" }),
    );
  });

  it("is refused when somebody else has changed the site meanwhile, and the catalogue stays as it was", () => {
    const [mine, theirs] = [open(), open()];
    theirs.setRuleEnabled("look-there", false, "wang.fang");
    expect(() => mine.setRuleEnabled("fence-light", false, "li.wei")).toThrow(
      expect.objectContaining({ code: "SITE_VERSION_STALE" }),
    );
    expect(mine.rules().find(({ id }) => id === "fence-light")?.enabled).toBe(true);
    expect(versions()).toHaveLength(2);
  });

  it("changes the bundle of the gateway that runs it, version and hash included", () => {
    const catalog = open();
    const before = catalog.bundle(GW1);
    catalog.setRuleEnabled("look-there", false, "li.wei");
    const after = catalog.bundle(GW1);
    expect(after?.bundle).toMatchObject({ version: 2, rules: [{ id: "look-there", enabled: false }] });
    expect(after?.sha256).not.toBe(before?.sha256);
  });
});

describe("the difference between two sites", () => {
  it("names what came, went and changed", () => {
    const before = smallPark();
    const [, , ...points] = before.points;
    const [first, ...zones] = before.zones;
    if (first === undefined) throw new Error("no zone");
    const after = {
      ...before,
      points,
      zones: [{ ...first, preset: "8" }, ...zones],
      spaces: [
        ...before.spaces,
        { id: "roof", parent: "building-a", kind: "room" as const, name: "顶", nameEn: "Roof" },
      ],
    };
    expect(siteDifference(before, after)).toEqual({
      added: ["spaces/roof"],
      removed: [`points/${AHU}/setpoint`, `points/${AHU}/temperature`],
      changed: ["zones/zone-1"],
    });
  });

  it("is everything when there was nothing", () => {
    const { added, removed, changed } = siteDifference(undefined, smallPark());
    expect([added.length, removed, changed]).toEqual([4 + 1 + 1 + 4 + 6 + 2 + 3, [], []]);
  });
});

describe("a gateway's bundle", () => {
  it("fits its contract, holds the gateway's own things only, and the rules placed there", () => {
    const catalog = open();
    const [first, second] = [catalog.bundle(GW1), catalog.bundle(GW2)];
    expect(Check(Bundle, first?.bundle)).toBe(true);
    expect(first?.bundle.rules.map(({ id }) => id)).toEqual(["look-there"]);
    expect(first?.bundle.alarms.map(({ id }) => id)).toEqual(["zone-1.intrusion", "ahu-1.high"]);
    expect(second?.bundle).toMatchObject({ gateway: "gw-2", rules: [], alarms: [] });
    expect(second?.bundle.points.map(({ id }) => id)).toEqual([LIGHT]);
  });

  it("is given as the very text whose hash it is, the same text each time the cloud starts", () => {
    const bundle = open().bundle(GW1);
    expect(bundle?.sha256).toBe(
      createHash("sha256")
        .update(bundle?.text ?? "")
        .digest("hex"),
    );
    expect(JSON.parse(bundle?.text ?? "")).toEqual(bundle?.bundle);
    expect(open().bundle(GW1)?.sha256).toBe(bundle?.sha256);
  });

  it("is there for gateways of the site only", () => {
    expect(open().bundle("park/gw-9" as typeof GW1)).toBeUndefined();
  });
});

describe("the place of a rule", () => {
  it("is the gateway that owns all it needs, else the cloud, with the reason", () => {
    const catalog = open();
    expect(catalog.placement("look-there")).toMatchObject({ place: GW1 });
    expect(catalog.placement("fence-light")?.place).toBe("cloud");
    expect(catalog.placement("fence-light")?.because).toMatch(/lie apart.*park\/gw-2\/lights\/zone-1 on park\/gw-2/);
    expect(catalog.placement("none")).toBeUndefined();
  });
});

describe("the alarm definitions of the site", () => {
  it("are changed as a version, with what belongs to it in the same transaction", () => {
    const catalog = open();
    const first = catalog.alarms()[0];
    if (first === undefined) throw new Error("the small park has alarms");
    const told: number[] = [];
    catalog.onChange(() => told.push(catalog.version));
    catalog.setAlarms([{ ...first, message: "x" }], { actor: "li.wei", reason: "clearer" }, (version) =>
      told.push(version),
    );
    expect([told, catalog.version, catalog.alarms().map(({ message }) => message)]).toEqual([[2, 2], 2, ["x"]]);
    const [, newest] = versions();
    expect(newest).toMatchObject({ actor: "li.wei", reason: "clearer" });
    expect(JSON.parse(newest?.difference ?? "")).toMatchObject({ changed: [`alarms/${first.id}`] });
  });

  it("keep the documents of the newest versions, and of the older ones who and why", () => {
    const store = new SiteVersions(db);
    for (let version = 1; version <= KEPT_DOCUMENTS + 2; version++)
      store.add(smallPark(), version - 1, { actor: "li.wei", reason: `change ${version}`, at: version });
    const [first, second, third] = versions();
    expect([first?.document, second?.document, third?.document === ""]).toEqual(["", "", false]);
    expect(first).toMatchObject({ actor: "li.wei", reason: "change 1" });
  });
});

describe("a space", () => {
  const space = (id: string, parent?: string): Space => ({
    id,
    kind: "room",
    name: id,
    nameEn: id,
    ...(parent === undefined ? {} : { parent }),
  });

  it("includes all that lies below it, at any depth, and nothing beside it", () => {
    const spaces = [space("c", "b"), space("a"), space("b", "a"), space("x", "a"), space("d", "c")];
    expect([...withDescendants(spaces, "b")].sort()).toEqual(["b", "c", "d"]);
    expect(withDescendants(spaces, "a").size).toBe(5);
    expect([...withDescendants(spaces, "d")]).toEqual(["d"]);
  });

  it("whose parents form a ring is still an answer", () => {
    expect([...withDescendants([space("a", "b"), space("b", "a")], "a")].sort()).toEqual(["a", "b"]);
  });
});
