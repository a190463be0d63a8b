import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProcedureLibrary } from "#cloud/procedures/library.ts";
import type { Procedure } from "#core/model/procedure.ts";
import { DomainBench, LI, NOON, WANG } from "../domain-bench.ts";
import { ProcedureBench } from "./procedure-bench.ts";

const INTRUSION: Procedure = {
  id: "intrusion",
  title: "周界入侵",
  titleEn: "Perimeter intrusion",
  scope: { categories: ["intrusion"] },
  steps: [
    { title: "看画面", titleEn: "Look at the picture", confirm: "person", mandatory: true },
    { title: "派人", titleEn: "Send a guard", confirm: "name", mandatory: true },
    { title: "说明", titleEn: "Remember", confirm: "note" },
    { title: "记录", titleEn: "Write it down", confirm: "person" },
  ],
};

let bench: DomainBench;
let park: ProcedureBench;
let library: ProcedureLibrary;

beforeEach(async () => {
  bench = new DomainBench();
  park = await ProcedureBench.open(bench);
  library = park.library;
});
afterEach(() => bench.clear());

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return "done";
};
const at = (occurrence = 1) => ({ occurrence, station: "desk-1" });
const skip = (n: number, reason = "nobody there", occurrence = 1) =>
  park.runs.skip(park.alarm, n, { ...at(occurrence), reason }, WANG);
const confirm = (n: number, more: { name?: string; idempotencyKey?: string } = {}, actor = WANG, occurrence = 1) =>
  park.runs.confirm(park.alarm, n, { ...at(occurrence), ...more }, actor);
const statuses = () => park.runs.of(park.alarm)[0]?.steps.map(({ status }) => status);
const notices = () => park.domains.notices.recent(10).map(({ textEn, popup }) => [textEn, popup]);

describe("a response procedure", () => {
  it("is written as a draft, is for no alarm before it is published, and then for those of its scope", () => {
    const draft = library.create(INTRUSION, LI);
    expect(draft).toMatchObject({ revision: 1, retired: false, draft: { by: "li.wei", procedure: INTRUSION } });
    park.raise();
    expect(park.view()).toMatchObject({ procedure: null, run: null });
    expect(library.publish("intrusion", 1, "agreed with the guards", LI)).toMatchObject({
      published: { version: 1, by: "li.wei", reason: "agreed with the guards" },
    });
    expect(library.get("intrusion")).not.toHaveProperty("draft");
    expect(park.view().procedure).toMatchObject({ version: 1, procedure: INTRUSION });
  });

  it("is not overwritten by who looked at an older draft, and keeps its id", () => {
    library.create(INTRUSION, LI);
    expect(codeOf(() => library.create(INTRUSION, WANG))).toBe("PROCEDURE_EXISTS");
    library.save("intrusion", { ...INTRUSION, title: "入侵" }, 1, WANG);
    expect(codeOf(() => library.save("intrusion", INTRUSION, 1, LI))).toBe("PROCEDURE_STALE");
    expect(codeOf(() => library.publish("intrusion", 1, "x", LI))).toBe("PROCEDURE_STALE");
    expect(codeOf(() => library.save("intrusion", { ...INTRUSION, id: "other" }, 2, LI))).toBe("ID_INVALID");
    library.publish("intrusion", 2, "x", LI);
    expect(codeOf(() => library.publish("intrusion", 2, "x", LI))).toBe("PROCEDURE_NO_DRAFT");
    expect(codeOf(() => library.save("nobody", { ...INTRUSION, id: "nobody" }, 0, LI))).toBe("PROCEDURE_UNKNOWN");
  });

  it.each<[string, Partial<Procedure>]>([
    ["a space that is not there", { scope: { areas: ["attic"] } }],
    ["a definition that is not there", { scope: { definitions: ["nobody"] } }],
    [
      "a mandatory step with nothing to confirm",
      { steps: [{ title: "a", titleEn: "a", confirm: "note", mandatory: true }] },
    ],
    [
      "a camera that is not there",
      { steps: [{ title: "a", titleEn: "a", confirm: "note", link: { kind: "camera", device: "park/gw-1/none" } }] },
    ],
    [
      "a command on a point that cannot be written",
      {
        steps: [
          {
            title: "a",
            titleEn: "a",
            confirm: "note",
            link: { kind: "command", point: "park/gw-1/panel/zone-1", value: true },
          },
        ],
      },
    ],
    [
      "a door that is not there",
      { steps: [{ title: "a", titleEn: "a", confirm: "note", link: { kind: "door", door: "door-9" } }] },
    ],
  ])("is kept as a draft with %s, and not published", (_, wrong) => {
    library.create({ ...INTRUSION, ...wrong }, LI);
    expect(codeOf(() => library.publish("intrusion", 1, "x", LI))).toBe("PROCEDURE_INVALID");
    expect(library.get("intrusion")).not.toHaveProperty("published");
  });

  it("that is retired is for no alarm, and comes back with its next version", () => {
    library.create(INTRUSION, LI);
    library.publish("intrusion", 1, "first", LI);
    park.raise();
    library.retire("intrusion", "reorganised", LI);
    expect(park.view().procedure).toBeNull();
    library.save("intrusion", INTRUSION, 1, LI);
    library.publish("intrusion", 2, "back", LI);
    expect(park.view().procedure).toMatchObject({ version: 2 });
    expect(library.versions("intrusion").map(({ version, reason }) => [version, reason])).toEqual([
      [2, "back"],
      [1, "first"],
    ]);
  });

  it("is seeded from the site's files once", async () => {
    library.seed(() => [INTRUSION, { ...INTRUSION, id: "second" }]);
    library.seed(() => [{ ...INTRUSION, id: "third" }]);
    expect(library.list().map(({ id, published }) => [id, published?.version, published?.by])).toEqual([
      ["intrusion", 1, "system"],
      ["second", 1, "system"],
    ]);
  });
});

describe("the work by a procedure", () => {
  beforeEach(() => {
    library.seed(() => [INTRUSION]);
    park.raise();
  });

  it("begins when somebody starts or acts, on the version of then, and who comes second joins", () => {
    park.runs.start(park.alarm, at(), WANG);
    library.save("intrusion", { ...INTRUSION, steps: INTRUSION.steps.slice(0, 1) }, 0, LI);
    library.publish("intrusion", 1, "shorter", LI);
    bench.clock.advance(1000);
    const joined = park.runs.start(park.alarm, at(), LI);
    expect(joined.run).toMatchObject({
      procedure: "intrusion",
      version: 1,
      status: "running",
      startedBy: "wang.fang",
      startedAt: new Date(NOON).toISOString(),
      missing: [1, 2],
    });
    expect(joined.run?.steps).toHaveLength(4);
    expect(joined.run?.acts).toEqual([
      expect.objectContaining({ act: "start", actor: "wang.fang", station: "desk-1" }),
    ]);
  });

  it("keeps who confirmed a step, when, where, and who did it on the spot; the same step is confirmed once", () => {
    expect(confirm(1).run).toMatchObject({ startedBy: "wang.fang" });
    bench.clock.advance(60_000);
    expect(codeOf(() => confirm(2))).toBe("PROCEDURE_NAME_MISSING");
    expect(confirm(2, { name: " 赵强 " }).run?.steps[1]).toMatchObject({
      status: "confirmed",
      actor: "wang.fang",
      station: "desk-1",
      doneBy: "赵强",
      at: new Date(NOON + 60_000).toISOString(),
    });
    confirm(2, { name: "somebody else" }, LI);
    const run = park.runs.of(park.alarm)[0];
    expect(run?.steps[1]?.doneBy).toBe("赵强");
    expect(run?.acts.map(({ act, n }) => [act, n])).toEqual([
      ["start", undefined],
      ["confirm", 1],
      ["confirm", 2],
    ]);
    expect(park.audited()).toContainEqual(["wang.fang", "procedure.confirm", park.alarm]);
  });

  it("ends by itself when every step that is to be confirmed is confirmed or skipped", () => {
    confirm(1);
    confirm(2, { name: "赵强" });
    expect(confirm(4).run).toMatchObject({ status: "finished", endedAt: new Date(NOON).toISOString(), missing: [] });
    expect(codeOf(() => skip(4))).toBe("PROCEDURE_ENDED");
    expect(codeOf(() => park.runs.abandon(park.alarm, { ...at(), reason: "x" }, LI))).toBe("PROCEDURE_ENDED");
  });

  it("tells the supervisors and the journal of a step that was skipped, and lets it be done after all", () => {
    expect(skip(1, "camera is dark").run?.steps[0]).toMatchObject({ status: "skipped", reason: "camera is dark" });
    skip(1, "camera is dark");
    expect(notices()).toEqual([
      ["Step 1 “Look at the picture” of “Perimeter intrusion” was skipped by wang.fang: camera is dark", true],
    ]);
    expect(park.comments()).toEqual(["预案“周界入侵”第 1 步“看画面”被 wang.fang 跳过：camera is dark"]);
    expect(confirm(1, {}, LI).run?.steps[0]).toMatchObject({ status: "confirmed", actor: "li.wei" });
    expect(codeOf(() => skip(1))).toBe("PROCEDURE_STEP_DONE");
    skip(4);
    expect(notices()[0]?.[1]).toBe(false);
    expect(codeOf(() => skip(2, "  "))).toBe("PROCEDURE_REASON_MISSING");
  });

  it("does one act for one key, and refuses the key for another", () => {
    confirm(1, { idempotencyKey: "k-1" });
    confirm(1, { idempotencyKey: "k-1" });
    expect(park.runs.of(park.alarm)[0]?.acts).toHaveLength(2);
    expect(codeOf(() => confirm(4, { idempotencyKey: "k-1" }))).toBe("IDEMPOTENCY_CONFLICT");
    expect(confirm(4, { idempotencyKey: "k-1" }, LI).run?.steps[3]?.status).toBe("confirmed");
  });

  it.each([0, 3, 5])("knows no step %i to confirm", (n) => {
    expect(codeOf(() => confirm(n))).toBe("PROCEDURE_STEP_UNKNOWN");
    expect(park.runs.of(park.alarm)).toEqual([]);
  });

  it("belongs to one occurrence: when the alarm comes again the old work is over, and an act on it acts on nothing", () => {
    confirm(1);
    park.raise(2);
    expect(park.view()).toMatchObject({ occurrence: 2, run: null, earlier: [{ occurrence: 1, status: "superseded" }] });
    expect(codeOf(() => confirm(2, { name: "赵强" }))).toBe("ALARM_OCCURRENCE_STALE");
    confirm(1, {}, LI, 2);
    expect(park.runs.of(park.alarm).map(({ occurrence, status }) => [occurrence, status])).toEqual([
      [2, "running"],
      [1, "superseded"],
    ]);
  });

  it("does not hinder the alarm from being closed, and tells what is missing; it can be made up for later", () => {
    confirm(1);
    park.close();
    expect(park.view().run).toMatchObject({ status: "unfinished", missing: [2] });
    expect(notices()).toEqual([
      ["The alarm is closed while mandatory steps of “Perimeter intrusion” are open: 2", true],
    ]);
    expect(confirm(2, { name: "赵强" }).run).toMatchObject({ status: "finished", missing: [] });
  });

  it("is finished with the alarm where only what is not mandatory is open", () => {
    confirm(1);
    confirm(2, { name: "赵强" });
    park.close();
    expect(park.view().run).toMatchObject({ status: "finished" });
    expect(notices()).toEqual([]);
  });

  it("does not begin on an alarm that is over, or for which there is no procedure", () => {
    library.retire("intrusion", "x", LI);
    expect(codeOf(() => confirm(1))).toBe("PROCEDURE_NONE");
    park.close();
    expect(codeOf(() => confirm(1))).toBe("ALARM_CLOSED");
    expect(codeOf(() => park.runs.confirm("nobody", 1, at(), LI))).toBe("ALARM_UNKNOWN");
  });

  it("is given up with a reason that is told", () => {
    expect(codeOf(() => park.runs.abandon(park.alarm, { ...at(), reason: "x" }, LI))).toBe("PROCEDURE_NONE");
    confirm(1);
    park.runs.abandon(park.alarm, { ...at(), reason: "it was a cat" }, WANG);
    expect(park.view().run).toMatchObject({
      status: "abandoned",
      acts: expect.arrayContaining([expect.objectContaining({ act: "abandon", reason: "it was a cat" })]),
    });
    expect(notices()[0]).toEqual(["Procedure “Perimeter intrusion” was abandoned by wang.fang: it was a cat", true]);
    expect(codeOf(() => confirm(2, { name: "赵强" }))).toBe("PROCEDURE_ENDED");
  });

  it("survives a restart, and its end with the alarm is still told", async () => {
    confirm(1);
    park = await park.restart();
    expect(statuses()).toEqual(["confirmed", "open", "open", "open"]);
    park.close();
    expect(park.view().run?.status).toBe("unfinished");
  });

  it("goes with the alarm and its journal", () => {
    confirm(1);
    park.close();
    park.domains.db.sync.transaction(() => park.runs.forgetAlarms([park.alarm]));
    expect(park.runs.of(park.alarm)).toEqual([]);
    const { kysely, sync } = park.domains.db;
    expect(sync.all(kysely.selectFrom("procedure_acts").selectAll())).toEqual([]);
  });
});
