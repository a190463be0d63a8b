import { describe, expect, it } from "vitest";
import { ApiError } from "#cloud/console/api/client.ts";
import type { BulkItem } from "#cloud/console/api/hub-api.ts";
import { Toasts } from "#cloud/console/live/toasts.ts";
import { actRequests } from "#cloud/console/pages/alarms/act-requests.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { alarmView } from "./alarm-fixture.ts";

const WORKPLACE = "消防控制室";

/** The API as it answers: what was asked is kept. */
function answering(answer: (id: string) => BulkItem = (id) => ({ id })) {
  const asked: object[] = [];
  return {
    asked,
    actOnAlarm: async (id: string, act: string, body: object): Promise<AlarmView> => {
      asked.push({ id, act, ...body });
      if (id === "refused") throw new ApiError("ALARM_OCCURRENCE_STALE", "", 409);
      return alarmView(id);
    },
    actOnAlarms: async (act: string, items: readonly { readonly id: string }[], body: object) => {
      asked.push({ act, count: items.length, ...body });
      return { items: items.map(({ id }) => answer(id)) };
    },
  };
}

describe("the requests of an act", () => {
  it("name the occurrence that was looked at, and the workplace [AL-02]", async () => {
    const api = answering();
    await actRequests(api, WORKPLACE).one("outOfService", alarmView("a", { occurrence: 3 }), { comment: "4711" });
    expect(api.asked).toEqual([{ id: "a", act: "out-of-service", occurrence: 3, station: WORKPLACE, comment: "4711" }]);
  });

  it("shelve until the alarm returns to normal, one or many, without naming a time [AL-10]", async () => {
    const api = answering();
    const requests = actRequests(api, WORKPLACE);
    await requests.one("shelve", alarmView("a"), { comment: "x", once: true });
    await requests.together("shelve", [alarmView("a"), alarmView("b")], { comment: "x", once: true });
    expect(api.asked).toEqual([
      { id: "a", act: "shelve", occurrence: 1, station: WORKPLACE, comment: "x", once: true },
      { act: "shelve", count: 2, station: WORKPLACE, comment: "x", once: true },
    ]);
  });

  it("go on with the others when one is refused", async () => {
    const alarms = ["a", "refused", "b"].map((id) => alarmView(id));
    const fared = await actRequests(answering(), WORKPLACE).oneByOne("comment", alarms, { comment: "x" });
    expect([fared.done, fared.refused]).toEqual([2, ["ALARM_OCCURRENCE_STALE"]]);
  });

  it("take ten thousand in one, and tell how many were refused though no alarm comes back", async () => {
    const api = answering((id) => (id === "7" ? { id, problem: { code: "ALARM_UNKNOWN" } } : { id }));
    const alarms = Array.from({ length: 10_001 }, (_, index) => alarmView(String(index)));
    const fared = await actRequests(api, WORKPLACE).together("shelve", alarms, { comment: "x", minutes: 30 });
    expect(api.asked).toEqual([
      { act: "shelve", count: 10_000, station: WORKPLACE, comment: "x", minutes: 30 },
      { act: "shelve", count: 1, station: WORKPLACE, comment: "x", minutes: 30 },
    ]);
    expect(fared).toEqual({ done: 10_000, alarms: [], refused: ["ALARM_UNKNOWN"] });
  });
});

describe("words on acts", () => {
  it("go by themselves, what went wrong later than what went well", () => {
    const clock = new ManualClock(0);
    const toasts = new Toasts(clock);
    toasts.show("error", "refused");
    toasts.show("done", "acknowledged");
    clock.advance(5000);
    expect(toasts.shown.get().map(({ text }) => text)).toEqual(["refused"]);
    clock.advance(5000);
    expect(toasts.shown.get()).toEqual([]);
  });

  it("are few at once", () => {
    const toasts = new Toasts(new ManualClock(0));
    for (const text of ["1", "2", "3", "4", "5", "6"]) toasts.show("done", text);
    expect(toasts.shown.get().map(({ text }) => text)).toEqual(["3", "4", "5", "6"]);
  });
});
