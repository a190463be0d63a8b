import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditChain } from "#cloud/audit/log.ts";
import type { Db } from "#cloud/db/database.ts";
import { Definitions } from "#cloud/definitions/service.ts";
import type { Actor } from "#cloud/ports.ts";
import { StoredCatalog } from "#cloud/site/catalog.ts";
import { SiteVersions } from "#cloud/site/versions.ts";
import type { Site } from "#config/schema/site.ts";
import { systemClock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Agent } from "#edge/agent.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { EdgeCloud, EdgeField, echoBundle, GATEWAY, numberPoint, runGateway, SITE } from "./edge-cloud.ts";

const folder = temporaryFolders();
/** A gateway, a broker and a driver on a machine that may have much else to do. */
const PATIENT_MS = 30_000;
const eventually = <T>(look: () => T) => expect.poll(look, { timeout: PATIENT_MS });
const HOT = `${SITE}/${GATEWAY}/ahu/temp`;
const LI: Actor = { name: "li.wei", grants: [] };
const named = { name: "园区", nameEn: "Park" };
const POINTS = [numberPoint("ahu", "temp"), numberPoint("ahu", "flow")];

const limit = (id: string, point: string, at: number): AlarmDefinition => ({
  id,
  category: "equipment",
  priority: "high",
  condition: { type: "above", point, limit: at, deadband: 1 },
  message: "过高",
  messageEn: "Too high",
});

describe("a definition that is changed at the console", { timeout: 2 * PATIENT_MS }, () => {
  let cloud: EdgeCloud;
  let field: EdgeField;
  let agent: Agent | undefined;
  let db: Db;
  let catalog: StoredCatalog;
  let definitions: Definitions;

  beforeEach(async () => {
    const root = folder();
    mkdirSync(join(root, "field"));
    field = new EdgeField(join(root, "field"));
    cloud = new EdgeCloud();
    await cloud.start();
    db = await openRecords(join(root, "records.db"));
    const { channels, devices, points, zones } = echoBundle(1, field.directory, POINTS);
    const site: Site = {
      site: SITE,
      ...named,
      timeZone: "Asia/Shanghai",
      languages: ["zh-CN", "en"],
      spaces: [{ id: "all", kind: "site", ...named }],
      partitions: [],
      zones,
      gateways: [{ gateway: GATEWAY, ...named, space: "all", channels }],
      devices,
      points,
      alarms: [limit("hot", HOT, 30)],
      rules: [],
    };
    catalog = StoredCatalog.open(
      new SiteVersions(db),
      () => site,
      () => systemClock.now(),
    );
    const audit = new AuditChain(db, () => systemClock.now());
    definitions = new Definitions({ db, catalog, audit, clock: systemClock });
    field.set("temp", 20);
    agent = await runGateway(cloud, join(root, "data"));
    await announce();
    await eventually(() => agent?.latest(HOT)?.value).toBe(20);
  }, 2 * PATIENT_MS);
  afterEach(async () => {
    await agent?.stop();
    agent = undefined;
    await cloud.stop();
    await db.close();
  });

  const announce = (): Promise<unknown> => {
    const held = catalog.bundle(`${SITE}/${GATEWAY}` as GatewayId);
    if (held === undefined) throw new Error("no bundle");
    return cloud.announce(held.bundle, held.bundle.version);
  };
  const transitions = (): string[] =>
    cloud.of("alarm").map(({ alarm, transition }) => `${alarm.definition} ${alarm.occurrence} ${transition}`);

  it("is judged anew by the running gateway, and the alarms that are open go on as they were [AL-18]", async () => {
    field.set("temp", 35);
    await eventually(transitions).toEqual(["hot 1 raised"]);
    const open = cloud.of("alarm")[0]?.alarm.id;
    definitions.add(limit("fast", `${SITE}/${GATEWAY}/ahu/flow`, 5), { why: "new fan", actor: LI });
    definitions.change({ definition: "hot", change: { priority: "urgent" }, why: "server room", actor: LI });
    await announce();
    await eventually(() => cloud.of("configApplied").at(-1)).toMatchObject({ version: 3, errors: [] });
    field.set("flow", 9);
    await eventually(transitions).toEqual(["hot 1 raised", "fast 1 raised"]);
    field.set("temp", 20);
    await eventually(transitions).toEqual(["hot 1 raised", "fast 1 raised", "hot 1 cleared"]);
    expect(cloud.of("alarm").at(-1)?.alarm.id).toBe(open);
  });

  it("raises what a lower limit makes an alarm of, without the value having changed", async () => {
    field.set("temp", 28);
    await eventually(() => agent?.latest(HOT)?.value).toBe(28);
    expect(transitions()).toEqual([]);
    const condition = { type: "above", point: HOT, limit: 25, deadband: 1 } as const;
    definitions.change({ definition: "hot", change: { condition }, why: "too late before", actor: LI });
    await announce();
    await eventually(transitions).toEqual(["hot 1 raised"]);
  });

  it("that is disabled can be seen no more: its open alarm is cleared with the reason, and comes back with it", async () => {
    field.set("temp", 35);
    await eventually(transitions).toEqual(["hot 1 raised"]);
    definitions.change({ definition: "hot", change: { enabled: false }, why: "sensor is replaced", actor: LI });
    await announce();
    await eventually(transitions).toEqual(["hot 1 raised", "hot 1 cleared"]);
    expect(cloud.of("alarm").at(-1)?.comment).toBe("definition removed");
    definitions.change({ definition: "hot", change: { enabled: true }, why: "replaced", actor: LI });
    await announce();
    await eventually(() => transitions().length).toBe(3);
    expect(transitions().at(-1)).toMatch(/^hot \d raised$/);
  });
});
