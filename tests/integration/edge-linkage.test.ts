import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import type { Rule } from "#core/linkage/rule.ts";
import { silentLogger } from "#core/logger.ts";
import { Outbox } from "#edge/outbox.ts";
import { echoBundle, numberPoint, runGateway } from "./edge-cloud.ts";
import { INTRUSION, LIGHT, PARTS, Perimeter, POINTS, ZONE } from "./edge-perimeter.ts";

describe("linkages on a gateway", () => {
  const site = new Perimeter();

  it("turns the camera, switches the light, takes the picture and tells the console, and says what it did", async () => {
    await site.running();
    site.field.set("zone-3", 1);
    await expect.poll(() => site.cloud.of("run").length).toBe(1);
    expect(site.log()).toContain('ptzPreset park/gw/camera-3 {"preset":"5"}');
    expect(site.log()).toContain(`write ${LIGHT} 100 8`);
    const [run] = site.cloud.of("run").map((item) => item.run);
    const alarm = site.cloud.of("alarm")[0]?.alarm;
    const [picture] = site.cloud.of("snapshot");
    expect(run).toMatchObject({
      rule: "intrusion",
      outcome: "fired",
      ranOn: "park/gw",
      zone: "zone-3",
      alarm: alarm?.id,
    });
    expect(run?.steps.map(({ action, status }) => [action, status])).toEqual([
      ["ptzPreset", "done"],
      ["writePoint", "done"],
      ["snapshot", "done"],
      ["notifyConsole", "done"],
    ]);
    expect(picture).toMatchObject({ alarm: alarm?.id, occurrence: 1, run: run?.id, camera: "park/gw/camera-3" });
    expect(run?.steps[2]?.blob).toBe(picture?.sha256);
    await expect.poll(() => site.cloud.blobs.has(picture?.sha256 ?? "")).toBe(true);
    expect(site.cloud.of("notify")).toEqual([
      expect.objectContaining({ textEn: "intrusion", popup: true, rule: "intrusion" }),
    ]);
  });

  it("does all that with the cloud cut, and tells it afterwards", async () => {
    const gateway = await site.running();
    await expect.poll(() => gateway.status().connected).toBe(true);
    await site.cloud.stopBroker();
    site.cloud.httpStatus = 503;
    site.field.set("zone-3", 1);
    await expect.poll(() => site.log()).toContain(`write ${LIGHT} 100 8`);
    await expect.poll(() => readdirSync(join(site.root, "data", "blobs"))).toHaveLength(1);
    expect(site.cloud.of("run")).toEqual([]);
    site.cloud.httpStatus = undefined;
    await site.cloud.startBroker();
    await expect.poll(() => site.cloud.of("run").length).toBe(1);
    await expect.poll(() => site.cloud.blobs.size).toBe(1);
    await expect.poll(() => readdirSync(join(site.root, "data", "blobs"))).toEqual([]);
  });

  it("gives a leased value back by itself, also when the gateway was down at that time", async () => {
    const rule: Rule = {
      ...INTRUSION,
      then: [{ action: "writePoint", params: { point: LIGHT, value: 80, priority: 6, leaseMs: 1_500 } }],
    };
    const first = await site.running({ ...PARTS, rules: [rule] });
    site.field.set("zone-3", 1);
    await expect.poll(() => site.log()).toContain(`write ${LIGHT} 80 6`);
    await first.stop();
    expect(site.log()).not.toContain(`write ${LIGHT} null 6`);
    site.agent = await runGateway(site.cloud, join(site.root, "data"));
    await expect.poll(() => site.log()).toContain(`write ${LIGHT} null 6`);
  });

  it("goes on after a failed step where it is told to, and stops where it is told to", async () => {
    const refused = { action: "ptzPreset", params: { camera: "park/gw/nowhere", preset: "1" } };
    const light = { action: "writePoint", params: { point: LIGHT, value: 50 }, group: 1 };
    const rules: Rule[] = [
      { ...INTRUSION, id: "goes-on", then: [refused, light] },
      {
        ...INTRUSION,
        id: "stops",
        then: [
          { ...refused, onFailure: "stop" },
          { ...light, params: { point: LIGHT, value: 60 } },
        ],
      },
    ];
    await site.running({ ...PARTS, rules });
    site.field.set("zone-3", 1);
    await expect.poll(() => site.cloud.of("run").length).toBe(2);
    const steps = Object.fromEntries(
      site.cloud.of("run").map(({ run }) => [run.rule, [run.outcome, ...run.steps.map(({ status }) => status)]]),
    );
    expect(steps).toEqual({
      "goes-on": ["actionFailed", "refused", "done"],
      stops: ["actionFailed", "refused", "skipped"],
    });
    expect(site.log()).not.toContain(`write ${LIGHT} 60 8`);
  });

  it("raises an alarm for the rule whose step failed, once more for each failure", async () => {
    const rule: Rule = {
      ...INTRUSION,
      when: { type: "point", point: ZONE, operator: ">", value: 0 },
      then: [{ action: "ptzPreset", params: { camera: "park/gw/nowhere", preset: "1" } }],
    };
    await site.running({ ...PARTS, alarms: [], rules: [rule] });
    const raised = (): unknown[] =>
      site.cloud
        .of("alarm")
        .filter(({ alarm }) => alarm.definition === "gateway.linkage-failed.intrusion")
        .map(({ transition, alarm }) => [transition, alarm.category, alarm.occurrence]);
    site.field.set("zone-3", 1);
    await expect.poll(raised).toEqual([
      ["raised", "system", 1],
      ["cleared", "system", 1],
    ]);
    site.field.set("zone-3", 0);
    await expect.poll(() => site.agent?.latest(ZONE)?.value).toBe(0);
    site.field.set("zone-3", 1);
    await expect.poll(raised).toHaveLength(4);
    expect(site.agent?.status().openAlarms).toBe(1);
  });

  it("does not answer the alarm of its own failure", async () => {
    const rule: Rule = {
      ...INTRUSION,
      when: { type: "alarmRaised" },
      then: [{ action: "ptzPreset", params: { camera: "park/gw/nowhere", preset: "1" } }],
    };
    await site.running({ ...PARTS, rules: [rule] });
    site.field.set("zone-3", 1);
    await expect
      .poll(() => site.cloud.of("alarm").map(({ alarm }) => alarm.definition))
      .toContain("gateway.linkage-failed.intrusion");
    expect(site.cloud.of("run").map(({ run }) => run.outcome)).toEqual(["actionFailed"]);
  });

  it("breaks a loop of two rules that fight over a point", async () => {
    const flip = (id: string, when: number, then: number): Rule => ({
      ...INTRUSION,
      id,
      maxPerMinute: 5,
      when: { type: "point", point: LIGHT, operator: "=", value: when },
      then: [{ action: "writePoint", params: { point: LIGHT, value: then } }],
    });
    await site.running({ ...PARTS, rules: [flip("up", 1, 2), flip("down", 2, 1)] });
    site.field.set("light-3", 1);
    await expect.poll(() => site.cloud.of("run").map(({ run }) => run.outcome)).toContain("rateLimited");
    expect(site.log().filter((line) => line.startsWith("write")).length).toBeLessThanOrEqual(10);
  });

  it("keeps why a rule did nothing in the ledger, once a minute for each outcome", async () => {
    const rule: Rule = {
      ...INTRUSION,
      when: { type: "point", point: ZONE, operator: ">", value: 0 },
      if: [{ match: "all", tests: [{ type: "point", point: LIGHT, operator: "=", value: 7 }] }],
    };
    await site.running({ ...PARTS, alarms: [], rules: [rule] });
    for (const value of [1, 0, 1, 0, 1]) {
      site.field.set("zone-3", value);
      await expect.poll(() => site.agent?.latest(ZONE)?.value).toBe(value);
    }
    await expect.poll(() => site.cloud.of("run").length).toBe(1);
    expect(site.cloud.of("run")[0]?.run).toMatchObject({
      outcome: "conditionFalse",
      reason: expect.stringContaining(LIGHT),
    });
    expect(site.agent?.status().counters["linkage"]).toMatchObject({ dull: 3 });
  });
});

describe("a gateway after a crash", () => {
  const site = new Perimeter();
  function write(id: string, more: object = {}): object {
    return { id, kind: "write", point: LIGHT, value: 40, priority: 8, ...more };
  }
  /** Writes what a process leaves in its outbox when it is killed in the midst of something. */
  function leftBehind(table: string, key: string, record: object): void {
    const outbox = new Outbox({ path: join(site.root, "data", "outbox.db"), clock: systemClock, logger: silentLogger });
    outbox.put(table, key, record);
    outbox.close();
  }

  it("takes up a linkage run that was cut off, because its alarm will not be raised again", async () => {
    const step = {
      index: 0,
      action: "writePoint",
      group: 0,
      onFailure: "continue",
      timeoutMs: 5_000,
      status: "planned",
    };
    const effects = [{ kind: "write", point: LIGHT, value: 90, priority: 8 }];
    leftBehind("run", "r1", {
      id: "r1",
      rule: "intrusion",
      reason: "x",
      startedAt: Date.now(),
      steps: [{ ...step, effects }],
    });
    await site.running();
    await expect.poll(() => site.cloud.of("run").map(({ run }) => [run.id, run.outcome])).toEqual([["r1", "fired"]]);
    expect(site.log()).toContain(`write ${LIGHT} 90 8`);
  });

  it("performs no step again that had ended before the run was cut off", async () => {
    const step = (index: number, value: number): object => ({
      index,
      action: "writePoint",
      group: index,
      onFailure: "continue",
      timeoutMs: 5_000,
      status: "planned",
      effects: [{ kind: "write", point: LIGHT, value, priority: 8 }],
    });
    const startedAt = Date.now();
    leftBehind("run", "r1", {
      id: "r1",
      rule: "intrusion",
      reason: "x",
      startedAt,
      steps: [step(0, 70), step(1, 90)],
      done: [{ action: "writePoint", status: "done", startedAt, finishedAt: startedAt, detail: "before" }],
    });
    await site.running();
    await expect
      .poll(() => site.cloud.of("run").map(({ run }) => run.steps.map(({ status }) => status)))
      .toEqual([["done", "done"]]);
    expect(site.cloud.of("run")[0]?.run.steps[0]?.detail).toBe("before");
    expect(site.log().filter((line) => line.startsWith("write"))).toEqual([`write ${LIGHT} 90 8`]);
  });

  it("tells an old cut-off run as failed and performs nothing of it", async () => {
    const step = {
      index: 0,
      action: "writePoint",
      group: 0,
      onFailure: "continue",
      timeoutMs: 5_000,
      status: "planned",
    };
    const effects = [{ kind: "write", point: LIGHT, value: 90, priority: 8 }];
    leftBehind("run", "r1", {
      id: "r1",
      rule: "intrusion",
      reason: "x",
      startedAt: Date.now() - 61_000,
      steps: [{ ...step, effects }],
    });
    await site.running();
    await expect
      .poll(() => site.cloud.of("run").map(({ run }) => [run.id, run.outcome]))
      .toEqual([["r1", "actionFailed"]]);
    expect(site.log()).not.toContain(`write ${LIGHT} 90 8`);
  });

  it("tells a command it had begun as failed and never executes it again", async () => {
    leftBehind("command", "c1", { expiresAt: Date.now() + 10_000, open: true });
    await site.running();
    await expect
      .poll(() => site.cloud.results("c1"))
      .toEqual([expect.objectContaining({ status: "failed", code: "GATEWAY_RESTARTED" })]);
    await site.cloud.command(write("c1"));
    await expect.poll(() => site.agent?.status().counters["commands"]?.["duplicate"]).toBe(1);
    expect(site.log().filter((line) => line.startsWith("write"))).toEqual([]);
  });
});

describe("alarms on a gateway", () => {
  const site = new Perimeter();

  it("keeps an open alarm over a restart without raising it twice", async () => {
    const first = await site.running();
    site.field.set("zone-3", 1);
    await expect.poll(() => first.status().openAlarms).toBe(1);
    await first.stop();
    const second = await runGateway(site.cloud, join(site.root, "data"));
    site.agent = second;
    await expect.poll(() => second.latest(ZONE)?.value).toBe(1);
    expect(second.status().openAlarms).toBe(1);
    const raised = (): string[] =>
      site.cloud
        .of("alarm")
        .filter(({ transition, alarm }) => transition === "raised" && alarm.definition === "zone-3-alarm")
        .map(({ alarm }) => alarm.id);
    await expect.poll(raised).toHaveLength(1);
    expect(site.log().filter((line) => line.startsWith("ptzPreset"))).toHaveLength(1);
  });

  it("raises one communication alarm for a silent device and clears it when it is back", async () => {
    await site.running();
    site.field.tell("zone-3", { quality: "bad", online: false });
    await expect
      .poll(() => site.cloud.of("alarm").map(({ alarm, transition }) => [alarm.definition, transition]))
      .toEqual([["comm:park/gw/panel", "raised"]]);
    site.field.tell("zone-3", { value: 0, online: true });
    await expect.poll(() => site.cloud.of("alarm").at(-1)?.transition).toBe("cleared");
  });

  it("raises one for every device of a driver that is down", async () => {
    const bundle = echoBundle(1, site.field.directory, POINTS, PARTS);
    const throwing = { id: "bad", protocol: "throwing", config: { log: join(site.root, "log") } };
    const device = { ...bundle.devices[0], id: "park/gw/poor", channel: "bad", protocol: "throwing" };
    const point = numberPoint("poor", "value");
    await site.running({
      ...PARTS,
      channels: [...bundle.channels, throwing],
      devices: [...bundle.devices, device] as Bundle["devices"],
      points: [...POINTS, point],
    });
    await expect.poll(() => site.cloud.of("alarm").map(({ alarm }) => alarm.definition)).toContain("comm:park/gw/poor");
    await expect
      .poll(() => site.cloud.samples.findLast((sample) => sample.point === point.id)?.reason)
      .toBe("driverFailed");
    expect(site.agent?.latest(LIGHT)?.quality).toBe("good");
  });

  it("tells by an alarm that the events lane is full, and takes no device events then", async () => {
    site.cloud.acking = false;
    await site.running(PARTS, { limits: { eventsBytes: 2_000 } });
    let sent = 0;
    await expect
      .poll(() => {
        site.field.tell("motion", { event: "motion", nr: sent++ });
        return site.agent?.status().counters["outbox"]?.["refusedEvents"] ?? 0;
      })
      .toBeGreaterThan(0);
    // and the backlog that led to it
    await expect.poll(() => site.agent?.status().openAlarms).toBe(2);
    await site.agent?.stop();
    site.cloud.acking = true;
    const again = await runGateway(site.cloud, join(site.root, "data"));
    site.agent = again;
    await expect
      .poll(() =>
        site.cloud
          .of("alarm")
          .map(({ alarm, transition }) => [alarm.definition, transition])
          .filter(([definition]) => definition === "gateway.events-lane-full"),
      )
      .toEqual([
        ["gateway.events-lane-full", "raised"],
        ["gateway.events-lane-full", "cleared"],
      ]);
  });
});
