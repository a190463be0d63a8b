import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { PASSWORD, type ParkApi, parkApi } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

let park: ParkApi;
beforeEach(async () => {
  park = await parkApi();
  const facility = { law: "facility", category: "equipment", priority: "low" } as const;
  park.alarms.put(anAlarm("here", "office-a", facility));
  park.alarms.put(anAlarm("there", "perimeter", facility));
});
afterEach(() => park.close());

describe("an act on many alarms", () => {
  it.each(["acknowledge", "shelve"])("to %s those that one only sees is refused and recorded, once", async (act) => {
    const grants = [
      { role: "operator", space: "office-a" },
      { role: "viewer", space: PARK.root },
    ] as const;
    await park.users.add({ name: "li.wei", displayName: "Li Wei", grants }, PASSWORD);
    const items = ["here", "there", "nowhere"].map((id) => ({ id, occurrence: 1 }));
    const payload = { items, comment: "works" };
    const answer = await park.ask("POST", `/alarms/${act}`, { as: park.open("li.wei"), payload });
    const codes = answer.json().items.map(({ problem }: { problem?: { code: string } }) => problem?.code);
    expect(codes).toEqual([undefined, "FORBIDDEN", "ALARM_UNKNOWN"]);
    expect(park.alarms.acts).toEqual([`${act} here`]);
    const refused = park.deps.audit.list({ limit: 10 }).items.filter(({ result }) => result === "refused");
    expect(refused).toMatchObject([
      { actor: "li.wei", action: `POST /api/v1/alarms/${act}`, detail: { code: "FORBIDDEN" } },
    ]);
  });
});

describe("a shelving", () => {
  it("is for a time, or for once and then for a day at most", async () => {
    const as = await park.person("wang.fang", { role: "operator", space: PARK.root });
    const statusOf = async (fields: object): Promise<number> => {
      const payload = { occurrence: 1, comment: "works", ...fields };
      return (await park.ask("POST", "/alarms/here/shelve", { as, payload })).statusCode;
    };
    expect(await statusOf({ once: true })).toBe(200);
    expect(await statusOf({ once: true, minutes: 1440 })).toBe(200);
    expect(await statusOf({ once: true, minutes: 1441 })).toBe(400);
    expect(await statusOf({ once: "yes" })).toBe(400);
    const items = [{ id: "here", occurrence: 1 }];
    const many = await park.ask("POST", "/alarms/shelve", { as, payload: { items, comment: "works", once: true } });
    expect(many.statusCode).toBe(200);
  });
});
