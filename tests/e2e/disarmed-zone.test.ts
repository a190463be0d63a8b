import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PointView } from "#core/contracts/points.ts";
import type { ApiClient } from "./api-client.ts";
import { act, alarmsOf, alarmWhen, dealWith, journalOf, refusal } from "./guard.ts";
import { Park, until } from "./park.ts";

/** What the panel tells of a zone armed or not, with the class and the priority of its alarm. [GB 50394 §5.2.4] */
const ALWAYS = [
  { signal: "tamper", category: "tamper", priority: "high" },
  { signal: "open", category: "tamper", priority: "medium" },
  { signal: "short", category: "tamper", priority: "medium" },
] as const;
/** How each zone is made to watch nobody, at the panel. */
const ZONES = [
  { how: "disarmed", zone: 5, signal: "zone-5-armed", value: false },
  { how: "bypassed", zone: 6, signal: "zone-6-bypass", value: true },
] as const;

let park: Park;
let client: ApiClient;

beforeAll(async () => {
  park = await Park.start();
  client = await park.signIn();
}, 120_000);
afterAll(() => park?.close());

const pointValue = async (signal: string): Promise<unknown> => {
  const point = encodeURIComponent(`demo-park/gw-1/perimeter-panel/${signal}`);
  return (await client.get<PointView>(`/points/${point}`)).current.value;
};

describe.each(ZONES)("IN-04 a zone that is $how at its panel", ({ zone, signal, value }) => {
  const panel = (what: string, there: boolean): Promise<void> =>
    park.set("perimeter-panel", `zone-${zone}-${what}`, there);

  beforeAll(async () => {
    await park.set("perimeter-panel", signal, value);
    await until(`${signal} to be seen`, async () => (await pointValue(signal)) === value || undefined);
  });
  afterAll(() => park.set("perimeter-panel", signal, !value));

  it.each(ALWAYS)(
    "tells its $signal all the same, and holds it until a person resets it",
    async ({ signal: what, category, priority }) => {
      await panel(what, true);
      const alarm = await alarmWhen(client, `zone-${zone}-${what}`, ({ live }) => live);
      expect(alarm).toMatchObject({
        occurrence: 1,
        law: "security",
        category,
        priority,
        condition: "active",
        acknowledged: false,
        suppression: [],
        zone: `zone-${zone}`,
      });
      const shelve = client.post(`/alarms/${alarm.id}/shelve`, { occurrence: 1, comment: "quiet", minutes: 5 });
      expect(await refusal(shelve)).toEqual({ status: 409, code: "ALARM_LAW_FORBIDS" });
      await panel(what, false);
      const gone = await alarmWhen(client, `zone-${zone}-${what}`, ({ live }) => !live);
      expect(gone).toMatchObject({ id: alarm.id, condition: "latched", suppression: [] });
      expect(await refusal(act(client, gone, "reset"))).toEqual({ status: 409, code: "ALARM_NOT_ACKNOWLEDGED" });
      await dealWith(client, `zone-${zone}-${what}`);
      expect((await journalOf(client, alarm.id)).map(({ transition }) => transition)).toEqual([
        "raised",
        "cleared",
        "acknowledged",
        "reset",
      ]);
    },
  );

  it("tells a tamper while somebody is in it, of whom it tells nothing", async () => {
    await panel("alarm", true);
    await panel("tamper", true);
    await alarmWhen(client, `zone-${zone}-tamper`, ({ live }) => live);
    expect((await park.device("perimeter-panel")).signals[`zone-${zone}-alarm`]?.value).toBe(false);
    expect(await alarmsOf(client, `zone-${zone}-intrusion`)).toEqual([]);
    await panel("alarm", false);
    await panel("tamper", false);
    await dealWith(client, `zone-${zone}-tamper`);
    expect(await alarmsOf(client, `zone-${zone}-tamper`)).toHaveLength(2);
  });
});

describe("IN-03, IN-04 the panel itself, with every zone disarmed", () => {
  beforeAll(async () => {
    for (const zone of [1, 2, 3, 4, 5, 6, 7, 8]) await park.set("perimeter-panel", `zone-${zone}-armed`, false);
    await until("the zones to be seen", async () => (await pointValue("zone-8-armed")) === false || undefined);
  });

  it.each([
    { signal: "panic-button", definition: "panic-1", category: "panic", priority: "urgent" },
    { signal: "panel-tamper", definition: "panel-tamper", category: "tamper", priority: "high" },
  ])("tells its $signal", async ({ signal, definition, category, priority }) => {
    await park.set("perimeter-panel", signal, true);
    const alarm = await alarmWhen(client, definition, ({ live }) => live);
    expect(alarm).toMatchObject({ law: "security", category, priority, condition: "active", suppression: [] });
    await park.set("perimeter-panel", signal, false);
    await dealWith(client, definition);
  });
});
