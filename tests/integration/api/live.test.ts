import { Check } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SESSION_IDLE_MS } from "#cloud/auth/sessions.ts";
import { AlarmView } from "#core/contracts/alarms.ts";
import { GatewayView } from "#core/contracts/gateways.ts";
import type { LiveKind, LiveMessage } from "#core/contracts/live.ts";
import { PointView } from "#core/contracts/points.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { type ParkApi, parkApi, type SignedIn, START, sampleOf } from "#tests/fixtures/cloud/park-api.ts";
import { A_RUN } from "#tests/fixtures/cloud/services.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { connect, listen, type Page } from "./live-socket.ts";
import { ALARM, furnish } from "./routes-and-roles.ts";

/** Changes are told at this pace. */
const FLUSH_MS = 200;
const PING_MS = 10_000;

let park: ParkApi;
let url: string;
let all: SignedIn;
let guard: SignedIn;
beforeEach(async () => {
  park = await parkApi();
  await furnish(park);
  url = await listen(park);
  all = await park.person("li.wei", { role: "operator", space: PARK.root });
  guard = await park.person("guard", { role: "security", space: "perimeter" });
});
afterEach(() => park.close());

/** The page's answers to everything sent before: a view of an unknown kind of thing is answered in turn. */
async function settled(page: Page, count: number): Promise<readonly LiveMessage<{ id: string }>[]> {
  await expect.poll(() => page.told.length).toBeGreaterThanOrEqual(count);
  return page.told;
}
const view = (page: Page, kind: LiveKind, filter?: { ids?: string[]; device?: string; area?: string }) =>
  page.send({ t: "view", id: kind, kind, ...(filter === undefined ? {} : { filter }) });
const change = (kind: LiveKind, id: string, item: unknown, space?: string) =>
  park.deps.bus.publish({ kind, id, item, ...(space === undefined ? {} : { space }) });
const idsOf = (message: LiveMessage<{ id: string }> | undefined): readonly string[] => {
  if (message?.t === "snap") return message.items.map(({ id }) => id);
  return message?.t === "delta" ? [...message.up.map(({ id }) => id), ...message.rm.map((id) => `-${id}`)] : [];
};

describe("the live socket", () => {
  it("is refused with 401 without session or token, and with 403 to a page of another origin", async () => {
    await expect(connect(url, {})).rejects.toThrow("refused with 401");
    await expect(connect(url, { token: "pkh_wrong" })).rejects.toThrow("refused with 401");
    for (const origin of ["https://evil.example", "null"])
      await expect(connect(url, { as: all, headers: { origin } })).rejects.toThrow("refused with 403");
    const own = new URL(url.replace("ws:", "http:")).origin;
    const page = await connect(url, { as: all, headers: { origin: own } });
    expect(page.closed).toBeUndefined();
    page.socket.terminate();
  });

  it("gives a snapshot, then changes at a steady pace, the last state of each id", async () => {
    const page = await connect(url, { as: all });
    view(page, "alarms");
    const [snap] = await settled(page, 1);
    expect(snap).toMatchObject({ t: "snap", id: "alarms", seq: 0, epoch: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(idsOf(snap)).toEqual([ALARM, "alarm-in-the-office", "alarm-of-nowhere"]);
    expect(snap?.t === "snap" && snap.items.every((item) => Check(AlarmView, item))).toBe(true);
    for (let i = 1; i <= 50; i++) change("alarms", ALARM, anAlarm(ALARM, "perimeter", { occurrence: i }), "perimeter");
    change("alarms", "gone", undefined, "perimeter");
    expect(page.told).toHaveLength(1);
    park.clock.advance(FLUSH_MS);
    const [, delta] = await settled(page, 2);
    expect(delta).toMatchObject({
      t: "delta",
      id: "alarms",
      seq: 1,
      up: [{ id: ALARM, occurrence: 50 }],
      rm: ["gone"],
    });
    park.clock.advance(FLUSH_MS * 10);
    change("alarms", "next", anAlarm("next", "perimeter"), "perimeter");
    park.clock.advance(FLUSH_MS);
    expect(idsOf((await settled(page, 3))[2])).toEqual(["next"]);
    expect(page.told).toHaveLength(3);
    page.socket.terminate();
  });

  it("tells of values as the API shows them", async () => {
    const page = await connect(url, { as: all });
    view(page, "points", { ids: [PARK.setpoint, "small-park/gw-1/ahu-1/unknown"] });
    park.state.take([sampleOf(PARK.setpoint, 20)]);
    await settled(page, 1);
    park.state.take([sampleOf(PARK.setpoint, 21.5, START + 1), sampleOf(PARK.temperature, 19, START + 1)]);
    park.clock.advance(FLUSH_MS);
    const [snap, delta] = await settled(page, 2);
    expect(idsOf(snap)).toEqual([PARK.setpoint]);
    expect(delta).toMatchObject({ up: [{ id: PARK.setpoint, current: { value: 21.5 } }], rm: [] });
    expect(delta?.t === "delta" && delta.up.every((item) => Check(PointView, item))).toBe(true);
    page.socket.terminate();
  });

  it("narrows a view to a device, to an area, to named ids, in the snapshot and in the changes", async () => {
    const page = await connect(url, { as: all });
    park.alarms.put(anAlarm("in-the-office", "office-a"));
    page.send({ t: "view", id: "of-ahu", kind: "points", filter: { device: PARK.ahu } });
    page.send({ t: "view", id: "in-a", kind: "alarms", filter: { area: "building-a" } });
    page.send({ t: "view", id: "one", kind: "devices", filter: { ids: [PARK.camera] } });
    await settled(page, 3);
    for (const [id, area] of [
      ["in-the-office", "office-a"],
      [ALARM, "perimeter"],
    ] as const)
      change("alarms", id, anAlarm(id, area), area);
    park.state.take([sampleOf(PARK.fence, true, START + 1), sampleOf(PARK.temperature, 22, START + 1)]);
    park.clock.advance(FLUSH_MS);
    await settled(page, 5);
    const of = (id: string) => page.told.filter((message) => message.id === id).map(idsOf);
    expect(of("of-ahu")).toEqual([[PARK.setpoint, PARK.temperature], [PARK.temperature]]);
    expect(of("in-a")[1]).toEqual(["in-the-office"]);
    expect(of("one")).toEqual([[PARK.camera]]);
    page.socket.terminate();
  });

  it("tells nobody of what lies outside his spaces", async () => {
    const page = await connect(url, { as: guard });
    for (const kind of ["alarms", "points", "devices", "doors", "gateways", "runs", "notices"] as const)
      view(page, kind);
    const snaps = [...(await settled(page, 7))];
    expect(Object.fromEntries(snaps.map((snap) => [snap.id, idsOf(snap)]))).toEqual({
      alarms: [ALARM],
      points: [PARK.doorAlarm, PARK.doorLeaf, PARK.doorMode, PARK.fence],
      devices: [PARK.camera, PARK.doors, "small-park/gw-1/panel-1"],
      doors: [PARK.door],
      gateways: [PARK.gateway],
      runs: [],
      notices: [],
    });
    change("alarms", "elsewhere", anAlarm("elsewhere", "office-a"), "office-a");
    change("alarms", "nowhere", anAlarm("nowhere", undefined));
    change("runs", "run-2", { ...A_RUN, id: "run-2" }, "perimeter");
    change("notices", "notice-1", { id: "notice-1" }, "office-a");
    change("gateways", "small-park/gw-2", { id: "small-park/gw-2" });
    park.state.take([sampleOf(PARK.setpoint, 25, START + 1)]);
    park.clock.advance(FLUSH_MS);
    change("alarms", "here", anAlarm("here", "perimeter"), "perimeter");
    change("gateways", PARK.gateway, park.gateways.list()[0]);
    park.clock.advance(FLUSH_MS);
    await settled(page, 9);
    const deltas = page.told.filter(({ t }) => t === "delta");
    expect(deltas.flatMap(idsOf).sort()).toEqual(["here", PARK.gateway]);
    const gateways = deltas.flatMap((delta) => (delta.t === "delta" && delta.id === "gateways" ? delta.up : []));
    expect(gateways.every((item) => Check(GatewayView, item))).toBe(true);
    page.socket.terminate();
  });

  it("refuses a view that no grant allows, and more views than a page can need", async () => {
    const nobody = await park.person("nobody");
    const page = await connect(url, { as: nobody });
    view(page, "alarms");
    expect((await settled(page, 1))[0]).toEqual({ t: "error", id: "alarms", code: "FORBIDDEN" });
    page.socket.terminate();
    const many = await connect(url, { as: all });
    for (let i = 0; i < 33; i++) many.send({ t: "view", id: `v${i}`, kind: "runs" });
    expect((await settled(many, 33))[32]).toEqual({ t: "error", id: "v32", code: "TOO_MANY_VIEWS" });
    many.send({ t: "unview", id: "v0" });
    many.send({ t: "view", id: "v33", kind: "runs" });
    expect((await settled(many, 34))[33]).toMatchObject({ t: "snap", id: "v33" });
    change("runs", "run-2", { ...A_RUN, id: "run-2" });
    park.clock.advance(FLUSH_MS);
    await settled(many, 66);
    expect(many.told.filter(({ t }) => t === "delta").map(({ id }) => id)).not.toContain("v0");
    many.socket.terminate();
  });

  it.each([
    "no json",
    '{"t":"view","id":"x","kind":"secrets"}',
    '{"t":"view","id":"x","kind":"alarms","also":1}',
    "[]",
  ])("closes with 1008 on a message that is none of ours: %s", async (text) => {
    const page = await connect(url, { as: all });
    page.socket.send(text);
    await expect.poll(() => page.closed?.code).toBe(1008);
  });

  it("closes with 1009 on a message that is too long", async () => {
    const page = await connect(url, { as: all });
    page.socket.send("x".repeat(257 * 1024));
    await expect.poll(() => page.closed?.code).toBe(1009);
  });
});

describe("coming back", () => {
  const since = (page: Page, epoch: string, seq: number) =>
    page.send({ t: "view", id: "alarms", kind: "alarms", since: { epoch, seq } });
  const raise = (id: string) => {
    change("alarms", id, anAlarm(id, "perimeter"), "perimeter");
    park.clock.advance(FLUSH_MS);
  };
  const epochOf = async (): Promise<string> => {
    const page = await connect(url, { as: all });
    view(page, "alarms");
    const [snap] = await settled(page, 1);
    page.socket.terminate();
    return snap?.t === "snap" ? snap.epoch : "";
  };

  it("brings exactly what was missed, then goes on", async () => {
    const epoch = await epochOf();
    for (const id of ["a1", "a2", "a3", "a4"]) raise(id);
    const page = await connect(url, { as: all });
    since(page, epoch, 2);
    expect(idsOf((await settled(page, 1))[0])).toEqual(["a3", "a4"]);
    expect(page.told[0]).toMatchObject({ t: "delta", seq: 4 });
    raise("a5");
    expect((await settled(page, 2))[1]).toMatchObject({ t: "delta", seq: 5, up: [{ id: "a5" }] });
    page.socket.terminate();
  });

  it("is told that nothing was missed", async () => {
    const epoch = await epochOf();
    raise("a1");
    const page = await connect(url, { as: all });
    since(page, epoch, 1);
    expect((await settled(page, 1))[0]).toMatchObject({ t: "delta", seq: 1, up: [], rm: [] });
    page.socket.terminate();
  });

  it("brings a new snapshot after another epoch, a number not yet given, or too long a time", async () => {
    const epoch = await epochOf();
    for (let i = 0; i < 601; i++) raise(`a${i}`);
    for (const [of, seq] of [
      ["0".repeat(32), 601],
      [epoch, 602],
      [epoch, 0],
      [epoch, -1],
    ] as const) {
      const page = await connect(url, { as: all });
      since(page, of, seq);
      expect((await settled(page, 1))[0], `${of} ${seq}`).toMatchObject({ t: "snap", seq: 601, epoch });
      page.socket.terminate();
    }
    const page = await connect(url, { as: all });
    since(page, epoch, 1);
    expect(idsOf((await settled(page, 1))[0])).toHaveLength(600);
    page.socket.terminate();
  });

  it("does not bring what lies outside one's spaces", async () => {
    const epoch = await epochOf();
    change("alarms", "elsewhere", anAlarm("elsewhere", "office-a"), "office-a");
    raise("a1");
    const page = await connect(url, { as: guard });
    since(page, epoch, 0);
    expect(idsOf((await settled(page, 1))[0])).toEqual(["a1"]);
    page.socket.terminate();
  });
});

describe("the socket ends", () => {
  const ended = (page: Page) => expect.poll(() => page.closed?.code).toBe(4401);

  it("with 4401 at once when its session is signed out, and no other does", async () => {
    const [page, other] = [await connect(url, { as: all }), await connect(url, { as: guard })];
    await park.ask("DELETE", "/session", { as: all });
    await ended(page);
    expect(other.closed).toBeUndefined();
    other.socket.terminate();
  });

  it("with 4401 when its session expires", async () => {
    const page = await connect(url, { as: all });
    for (let spent = PING_MS; spent < SESSION_IDLE_MS; spent += PING_MS) {
      const pinged = new Promise((resolve) => page.socket.once("ping", resolve));
      park.clock.advance(PING_MS);
      await pinged;
      await alive(page);
    }
    expect(page.closed).toBeUndefined();
    park.clock.advance(PING_MS);
    await ended(page);
  });

  it("with 4401 when its token is withdrawn", async () => {
    const programmer = await park.person("programmer", { role: "engineer", space: PARK.root });
    const grants = [{ role: "engineer", space: PARK.root }];
    const made = (await park.ask("POST", "/tokens", { as: programmer, payload: { name: "wall", grants } })).json();
    const page = await connect(url, { token: made.token });
    await park.ask("DELETE", `/tokens/${made.id}`, { as: programmer });
    park.clock.advance(PING_MS);
    await ended(page);
  });

  it("with 4401 when its user's grants become others", async () => {
    const page = await connect(url, { as: all });
    const { kysely, sync } = park.db;
    sync.run(kysely.updateTable("users").set({ grants: "[]" }).where("name", "=", "li.wei"));
    park.clock.advance(PING_MS);
    await ended(page);
  });

  it("when the peer no longer answers", async () => {
    const page = await connect(url, { as: all });
    page.socket.pause();
    park.clock.advance(PING_MS);
    park.clock.advance(PING_MS);
    await expect.poll(() => park.app.websocketServer.clients.size).toBe(0);
    page.socket.terminate();
  });

  it("with 4008 when the page reads too slowly", async () => {
    const page = await connect(url, { as: all });
    view(page, "notices");
    await settled(page, 1);
    page.socket.pause();
    const text = "x".repeat(256 * 1024);
    for (let i = 0; i < 200 && park.log.lines.length === 0; i++) {
      change("notices", `n${i}`, { id: `n${i}`, text });
      park.clock.advance(FLUSH_MS);
    }
    expect(park.log.lines).toEqual([expect.stringMatching(/^warn live socket reads too slowly .*li\.wei/)]);
    page.socket.resume();
    await expect.poll(() => page.closed?.code).toBe(4008);
  });

  it("not because a snapshot alone is large", async () => {
    for (let i = 0; i < 3000; i++) park.alarms.put(anAlarm(`large-${i}`, "perimeter", { message: "x".repeat(2000) }));
    const page = await connect(url, { as: all });
    page.socket.pause();
    view(page, "alarms");
    await expect.poll(() => buffered(park)).toBeGreaterThan(1024 * 1024);
    change("alarms", "small", anAlarm("small", "perimeter"), "perimeter");
    park.clock.advance(FLUSH_MS);
    page.socket.resume();
    const [snap, delta] = await settled(page, 2);
    expect(idsOf(snap)).toHaveLength(3003);
    expect(idsOf(delta)).toEqual(["small"]);
    page.socket.terminate();
  });
});

/** The server has had the page's answers to all that came before. */
async function alive(page: Page): Promise<void> {
  const before = page.told.length;
  page.send({ t: "view", id: "alive", kind: "runs" });
  await expect.poll(() => page.told.length, { interval: 1 }).toBeGreaterThan(before);
}

function buffered({ app }: ParkApi): number {
  return Math.max(...[...app.websocketServer.clients].map(({ bufferedAmount }) => bufferedAmount));
}
