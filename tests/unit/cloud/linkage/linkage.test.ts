import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CommandResultItem, RunItem } from "#core/contracts/lanes.ts";
import type { RunView } from "#core/contracts/runs.ts";
import type { Run } from "#core/linkage/rule.ts";
import type { Command, CommandResult } from "#core/model/command.ts";
import { DomainBench, type Domains, LI, NOON } from "../domain-bench.ts";
import { CAMERA, GW1, GW2, LIGHT, minted, sampleOf, smallPark, TEMPERATURE, told } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => bench.clear());

const runs = (rule: string): readonly RunView[] => cloud.linkage.runsOf(rule, { limit: 100 }).items;
const commands = (): Command[] => cloud.link.sent.map(({ command }) => command);
const steps = (run: RunView | undefined): string[] =>
  run?.steps.map(({ action, status, detail }) => `${action} ${status}${detail === undefined ? "" : ` ${detail}`}`) ??
  [];
function answer(command: Command | undefined, fields: Partial<CommandResult> = {}): void {
  if (command === undefined) throw new Error("no command was sent");
  const gateway = command.kind === "write" && command.point === LIGHT ? GW2 : GW1;
  const result = { id: command.id, status: "done" as const, finishedAt: bench.clock.now(), ...fields };
  cloud.item(gateway, { offset: 0, at: NOON, kind: "commandResult", result } satisfies CommandResultItem);
}
/** Waits until so many commands were sent: steps follow each other through promises. */
const sent = (count: number) => expect.poll(() => commands().length).toBe(count);

describe("a rule whose zone has its detector on one gateway and its light on another", () => {
  it("is run by the cloud: light, then picture, then notice, each after the other was confirmed", async () => {
    expect(cloud.catalog.placement("fence-light")?.place).toBe("cloud");
    const alarm = minted({ at: NOON });
    cloud.item(GW1, told(alarm));
    await sent(1);
    expect(cloud.link.sent[0]).toMatchObject({
      gateway: GW2,
      command: {
        kind: "write",
        point: LIGHT,
        value: true,
        leaseMs: 60_000,
        requestedBy: "rule:fence-light",
        cause: { rule: "fence-light", alarm: alarm.id, occurrence: 1 },
      },
    });
    bench.clock.advance(100);
    answer(commands()[0], { readBack: true });
    await sent(2);
    expect(commands()[1]).toMatchObject({ kind: "action", device: CAMERA, action: "snapshot", expiresAt: NOON + 5100 });
    answer(commands()[1]);
    await cloud.linkage.idle();
    const [run] = runs("fence-light");
    expect(run).toMatchObject({
      ranOn: "cloud",
      outcome: "fired",
      alarm: alarm.id,
      finishedAt: "2026-11-22T04:00:00.100Z",
    });
    expect(run?.reason).toMatch(/zone-1\.intrusion raised, occurrence 1, zone zone-1/);
    expect(steps(run)).toEqual(["writePoint done read back true", "snapshot done", "notifyConsole done"]);
    expect(cloud.notices.recent(10)).toEqual([
      expect.objectContaining({
        text: "看",
        textEn: "Look",
        popup: true,
        camera: CAMERA,
        alarm: alarm.id,
        rule: "fence-light",
      }),
    ]);
    expect(cloud.alarms.get(alarm.id)?.runs).toEqual([run?.id]);
    expect(cloud.changes.filter(({ kind }) => kind === "runs").map(({ item }) => item)).toEqual([run]);
  });

  it("shows a step that nobody confirmed as timed out, does the others, and is a failed run", async () => {
    cloud.item(GW1, told(minted({ at: NOON })));
    await sent(1);
    bench.clock.advance(7000);
    await expect.poll(() => commands().some(({ kind }) => kind === "action")).toBe(true);
    answer(commands().at(-1));
    await cloud.linkage.idle();
    const [run] = runs("fence-light");
    expect(run).toMatchObject({
      outcome: "actionFailed",
      reason: expect.stringMatching(/^writePoint timeout: COMMAND_NO_RESULT/),
    });
    expect(run?.steps.map(({ status }) => status)).toEqual(["timeout", "done", "done"]);
  });

  it("leaves out what follows when a step fails that must not", async () => {
    const site = smallPark();
    const rules = site.rules.map((rule) => ({
      ...rule,
      then: rule.then.map((step) => ({ ...step, onFailure: "stop" as const })),
    }));
    cloud.db.sync.run(cloud.db.kysely.deleteFrom("site_versions"));
    cloud = await bench.restart(cloud, { ...site, rules });
    cloud.item(GW1, told(minted({ at: NOON })));
    await sent(1);
    answer(commands()[0], { status: "rejected", code: "WRITE_DENIED", message: "locked" });
    await cloud.linkage.idle();
    expect(steps(runs("fence-light")[0])).toEqual([
      "writePoint refused WRITE_DENIED: locked",
      "snapshot skipped a step before it failed",
      "notifyConsole skipped a step before it failed",
    ]);
    expect(cloud.notices.recent(10)).toEqual([]);
  });

  it("refuses a step that the site does not allow and says why", async () => {
    const site = smallPark();
    const points = site.points.map((point) => (point.id === LIGHT ? { ...point, writable: false } : point));
    cloud.db.sync.run(cloud.db.kysely.deleteFrom("site_versions"));
    cloud = await bench.restart(cloud, { ...site, points });
    cloud.item(GW1, told(minted({ at: NOON })));
    await sent(1);
    answer(commands()[0]);
    await cloud.linkage.idle();
    expect(steps(runs("fence-light")[0])[0]).toMatch(/^writePoint refused POINT_NOT_WRITABLE: /);
  });

  it("fires once although the gateway tells of the alarm twice", () => {
    const alarm = minted({ at: NOON });
    cloud.item(GW1, told(alarm));
    cloud.item(GW1, told(alarm));
    expect(cloud.runs.opened()).toHaveLength(1);
    expect(commands()).toHaveLength(1);
    expect(runs("fence-light")).toEqual([]);
  });

  it("holds its cooldown over a restart of the cloud, and says so once a minute", async () => {
    cloud.item(GW1, told(minted({ at: NOON })));
    cloud = await bench.restart(cloud);
    bench.clock.advance(1000);
    for (const episode of [2, 3]) cloud.item(GW1, told(minted({ episode, at: bench.clock.now() })));
    expect(runs("fence-light").map(({ outcome }) => outcome)).toEqual(["cooldown"]);
    expect(commands().filter(({ kind }) => kind === "write")).toHaveLength(1);
  });

  it("does nothing for an alarm that comes an hour late from a gateway that was cut off, and says so", () => {
    bench.clock.advance(3_600_000);
    cloud.item(GW1, told(minted({ at: NOON })));
    expect(runs("fence-light")).toEqual([
      expect.objectContaining({
        outcome: "inputStale",
        reason: expect.stringMatching(/told 3600000 ms late$/),
        steps: [],
      }),
    ]);
    expect(commands()).toEqual([]);
  });

  it("does nothing when it is switched off", () => {
    cloud.catalog.setRuleEnabled("fence-light", false, "li.wei");
    cloud.item(GW1, told(minted({ at: NOON })));
    expect(runs("fence-light").map(({ outcome }) => outcome)).toEqual(["disabled"]);
    expect(commands()).toEqual([]);
  });

  it("is forgotten with its alarm when the transaction does not hold", () => {
    expect(() =>
      cloud.db.sync.transaction(() => {
        cloud.alarms.take(GW1, told(minted({ at: NOON })));
        throw new Error("disk full");
      }),
    ).toThrow("disk full");
    expect(cloud.runs.opened()).toEqual([]);
    expect(commands()).toEqual([]);
  });
});

describe("a run that a crash has cut off", () => {
  it("is taken up again and gives no second command for a step already ordered", async () => {
    cloud.item(GW1, told(minted({ at: NOON })));
    await sent(1);
    const [first] = commands();
    cloud = await bench.restart(cloud);
    bench.clock.advance(3500);
    answer(first);
    await sent(2);
    expect(commands()[1]).toMatchObject({ kind: "action", action: "snapshot" });
    answer(commands()[1]);
    await cloud.linkage.idle();
    expect(runs("fence-light")[0]).toMatchObject({ outcome: "fired" });
    expect(cloud.runs.opened()).toEqual([]);
  });

  it("too long ago is told as failed and does nothing any more", async () => {
    cloud.presence(GW2, false, NOON);
    cloud.item(GW1, told(minted({ at: NOON })));
    cloud.commands.stop();
    bench.clock.advance(120_000);
    cloud = await bench.restart(cloud);
    expect(runs("fence-light")[0]).toMatchObject({
      outcome: "actionFailed",
      reason: expect.stringMatching(/cloud was restarted/),
    });
    bench.clock.advance(10_000);
    expect(commands()).toEqual([]);
  });
});

describe("a rule on a point", () => {
  const warm = (value: number, fields: Parameters<typeof sampleOf>[2] = {}) =>
    cloud.takeSamples([sampleOf(TEMPERATURE, value, { observedAt: bench.clock.now(), ...fields })]);

  it("fires when its condition begins to hold, not while it goes on holding", () => {
    for (const value of [30, 36, 37, 38]) warm(value);
    expect(commands()).toEqual([
      expect.objectContaining({ kind: "write", point: LIGHT, requestedBy: "rule:warm-light" }),
    ]);
    for (const value of [30, 36]) warm(value);
    expect(commands()).toHaveLength(2);
  });

  it("does not fire for what was already so when the cloud came up", () => {
    cloud.linkage.takeBirth([sampleOf(TEMPERATURE, 36)]);
    warm(37);
    expect(commands()).toEqual([]);
  });

  it("does not fire for what is told after the fact, and that does not count as how it was before", () => {
    warm(30);
    warm(36, { historical: true });
    expect(commands()).toEqual([]);
    warm(37);
    expect(commands()).toHaveLength(1);
  });

  it("does not fire for a value that is not good", () => {
    warm(36, { quality: "bad", reason: "commLost" });
    expect(commands()).toEqual([]);
  });
});

describe("an acknowledgement at the console", () => {
  it("starts a rule once, although the gateway tells of the same act", async () => {
    const site = smallPark();
    const [fence] = site.rules;
    if (fence === undefined) throw new Error("no rule");
    const then = [{ action: "writePoint", params: { point: LIGHT, value: false } }];
    const quiet = { ...fence, id: "light-off", when: { type: "alarmAcknowledged" as const }, cooldownMs: 0, then };
    cloud.db.sync.run(cloud.db.kysely.deleteFrom("site_versions"));
    cloud = await bench.restart(cloud, { ...site, rules: [quiet] });
    const alarm = minted({ at: NOON });
    cloud.item(GW1, told(alarm));
    cloud.alarms.act(alarm.id, "acknowledge", { occurrence: 1, comment: "seen" }, LI);
    const acknowledged = { ...alarm, acknowledged: true, acknowledgedAt: NOON, acknowledgedBy: "li.wei", version: 2 };
    cloud.item(GW1, told(acknowledged, "acknowledged", { actor: "li.wei" }));
    expect(commands().filter(({ kind }) => kind === "write")).toEqual([
      expect.objectContaining({ point: LIGHT, value: false, requestedBy: "rule:light-off" }),
    ]);
  });
});

describe("a run that a gateway tells of", () => {
  const run: Run = {
    id: "r-1",
    rule: "look-there",
    ranOn: GW1,
    outcome: "fired",
    startedAt: NOON,
    finishedAt: NOON + 80,
    steps: [
      {
        action: "snapshot",
        target: CAMERA,
        status: "done",
        startedAt: NOON,
        finishedAt: NOON + 80,
        blob: "b".repeat(64),
      },
    ],
  };
  const item = (fields: Partial<Run> = {}): RunItem => ({
    offset: 0,
    at: NOON,
    kind: "run",
    run: { ...run, ...fields },
  });

  it("is kept once and shown with the address of its picture", () => {
    cloud.item(GW1, item());
    cloud.item(GW1, item());
    expect(cloud.linkage.run("r-1")).toEqual({
      id: "r-1",
      rule: "look-there",
      ranOn: GW1,
      outcome: "fired",
      startedAt: "2026-11-22T04:00:00.000Z",
      finishedAt: "2026-11-22T04:00:00.080Z",
      steps: [
        {
          action: "snapshot",
          target: CAMERA,
          status: "done",
          startedAt: "2026-11-22T04:00:00.000Z",
          finishedAt: "2026-11-22T04:00:00.080Z",
          snapshot: `/api/v1/blobs/${"b".repeat(64)}`,
        },
      ],
    });
    expect(cloud.changes.filter(({ kind }) => kind === "runs")).toHaveLength(1);
    expect(cloud.linkage.run("r-2")).toBeUndefined();
  });

  it("is refused when it ran elsewhere", () => {
    expect(() => cloud.item(GW2, item())).toThrow(expect.objectContaining({ code: "RUN_FOREIGN" }));
  });

  it("belongs to its alarm and tells who looks at the alarm, unless nothing was done", () => {
    const alarm = minted({ category: "comfort", at: NOON });
    cloud.item(GW1, told(alarm));
    cloud.item(GW1, item({ id: "r-2", alarm: alarm.id, outcome: "conditionFalse" }));
    cloud.item(GW1, item({ alarm: alarm.id }));
    expect(cloud.alarms.get(alarm.id)?.runs).toEqual(["r-1"]);
    expect(cloud.changes.at(-1)).toMatchObject({ kind: "alarms", id: alarm.id, item: { runs: ["r-1"] } });
  });

  it("is paged with the others of its rule, newest first", () => {
    for (let i = 0; i < 5; i++) cloud.item(GW1, item({ id: `r-${i}`, startedAt: NOON + (i >> 1) }));
    const first = cloud.linkage.runsOf("look-there", { limit: 3, count: true });
    expect(first.items.map(({ id }) => id)).toEqual(["r-4", "r-3", "r-2"]);
    expect(first.total).toBe(5);
    const second = cloud.linkage.runsOf("look-there", { limit: 3, cursor: first.nextCursor ?? "" });
    expect(second.items.map(({ id }) => id)).toEqual(["r-1", "r-0"]);
    expect(second.nextCursor).toBeUndefined();
    expect(() => cloud.linkage.runsOf("look-there", { limit: 3, cursor: "x" })).toThrow(
      expect.objectContaining({ code: "CURSOR_INVALID" }),
    );
  });

  it("in which nothing was done is kept in a bounded number, one that did something always", () => {
    cloud.item(GW1, item({ id: "done", startedAt: NOON - 1 }));
    cloud.db.sync.transaction(() => {
      for (let i = 0; i < 250; i++)
        cloud.runs.add({ ...run, id: `dull-${i}`, outcome: "cooldown", startedAt: NOON + i, steps: [] });
    });
    expect(cloud.linkage.runsOf("look-there", { limit: 1000 }).items).toHaveLength(201);
    expect(cloud.linkage.run("dull-49")).toBeUndefined();
    expect(cloud.linkage.run("dull-50")).toBeDefined();
    expect(cloud.linkage.run("done")).toBeDefined();
  });
});
