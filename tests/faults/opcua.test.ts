import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FieldCondition } from "#core/model/field-condition.ts";
import { nodePoints, PANEL, type PanelField, POLL, panelField, point } from "#tests/contract/opcua-field.ts";
import { node } from "#tests/fixtures/opcua/server-process.ts";
import { TcpRelay } from "#tests/fixtures/opcua/tcp-relay.ts";

const KEEP_ALIVE_MS = 400;
/** Test machines are busy: the watchdog's own limit is three keep-alives, this is what a test grants on top. */
const GRACE_MS = 1500;

describe("[catalogue 19] an OPC UA server in trouble", { timeout: 60_000 }, () => {
  let field: PanelField;
  beforeEach(async () => {
    field = await panelField({ config: { keepAliveMs: KEEP_ALIVE_MS, publishingMs: 100 } });
  });
  afterEach(async () => {
    await field.close();
  });

  const latest = (name: string): unknown => field.recording.latest(point(name));
  const valuesOf = (name: string, from = 0): readonly unknown[] =>
    field.recording.samples
      .slice(from)
      .filter((sample) => sample.point === point(name) && sample.quality === "good")
      .map(({ value }) => value);
  async function observing(names: readonly string[], url?: string): Promise<void> {
    await field.bind(nodePoints(names, { samplingMs: 0 }), url === undefined ? {} : { endpointUrl: url });
    for (const name of names) await expect.poll(() => latest(name), POLL).toMatchObject({ quality: "good" });
    await expect.poll(() => field.recording.reachability(PANEL), POLL).toEqual([true]);
  }
  const offline = (): Promise<void> => expect.poll(() => field.recording.reachability(PANEL).at(-1), POLL).toBe(false);
  const online = (): Promise<void> => expect.poll(() => field.recording.reachability(PANEL).at(-1), POLL).toBe(true);
  /** What the hub knows of each condition when it takes all reports together. */
  function conditions(from = 0): ReadonlyMap<string, FieldCondition> {
    const known = new Map<string, FieldCondition>();
    for (const report of field.recording.conditions.slice(from)) {
      if (report.complete) known.clear();
      for (const one of report.conditions) known.set(one.condition, one);
    }
    return known;
  }

  it("that froze: points are bad within three keep-alives, and good when it thaws, with the changes between", async () => {
    await observing(["Float", "Text"]);
    const { driver, recording, server } = field;
    const frozenAt = Date.now();
    server.freeze();
    await offline();
    const lost = recording.states.at(-1);
    expect(lost).toMatchObject({ online: false, reason: "commLost" });
    expect((lost?.at ?? 0) - frozenAt).toBeLessThan(3 * KEEP_ALIVE_MS + GRACE_MS);
    expect(latest("Float")).toMatchObject({ value: 1.5, quality: "bad", reason: "commLost" });
    expect(latest("Text")).toMatchObject({ quality: "bad", reason: "commLost" });
    server.thaw();
    await online();
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ value: 1.5, quality: "good" });
    await server.set("Float", 9.5);
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ value: 9.5, quality: "good" });
    expect(driver.counters()["silences"]).toBeGreaterThan(0);
    expect(await server.do({ kind: "sessions" })).toBe(1);
  });

  it("that freezes again before it was quite back: nothing it told meanwhile stays believed", async () => {
    await observing(["Float"]);
    const { server } = field;
    server.freeze();
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ quality: "bad" });
    server.thaw();
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ quality: "good" });
    server.freeze();
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ quality: "bad", reason: "commLost" });
    server.thaw();
    await online();
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ quality: "good" });
  });

  it("that was killed and started again: values good within 10 s, no alarm lost and none doubled", async () => {
    await observing(["Float"]);
    const { recording, server } = field;
    await server.do({ kind: "alarm", name: "Zone1", active: true });
    await expect.poll(() => conditions().size, POLL).toBe(1);
    await server.kill();
    await offline();
    const before = recording.conditions.length;
    await server.restart();
    const backAt = Date.now();
    await server.do({ kind: "alarm", name: "Zone2", active: true });
    await online();
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ quality: "good" });
    expect(Date.now() - backAt).toBeLessThan(10_000);
    await expect.poll(() => recording.conditions.slice(before).some(({ complete }) => complete), POLL).toBe(true);
    // the new server knows nothing of zone 1, so it is over; zone 2 burns, once
    const name = `${node("Zone2")}/FireAlarm`;
    await expect.poll(() => [...conditions().keys()], POLL).toEqual([name]);
    expect(conditions().get(name)).toMatchObject({ active: true, acknowledged: false });
    expect(recording.events.map(({ kind, data }) => [kind, data?.["cause"]])).toEqual([
      ["eventsMayBeMissing", "reconnected"],
    ]);
  });

  it("tells what a server kept during a broken connection, each change once and in order (UA-02)", async () => {
    const relay = await TcpRelay.start(field.server.port);
    await observing(["Int16"], relay.url);
    const { driver, recording, server } = field;
    await server.set("Int16", 0);
    await expect.poll(() => latest("Int16"), POLL).toMatchObject({ value: 0 });
    const from = recording.samples.length;
    relay.cut();
    await offline();
    for (const value of [1, 2, 3, 4, 5]) {
      await server.set("Int16", value);
    }
    await server.do({ kind: "alarm", name: "Zone1", active: true });
    await server.do({ kind: "alarm", name: "Zone1", active: false });
    relay.restore();
    await online();
    await expect.poll(() => valuesOf("Int16", from).at(-1), POLL).toBe(5);
    expect([...new Set(valuesOf("Int16", from))]).toEqual([1, 2, 3, 4, 5]);
    expect(driver.counters()).toMatchObject({ resumed: 1, reconnects: 1, missed: 0 });
    // the short alarm of the time without connection is told with its beginning and its end
    await expect
      .poll(() => recording.conditions.flatMap((report) => report.conditions).map((one) => one.active), POLL)
      .toEqual(expect.arrayContaining([true, false]));
    expect(recording.events).toEqual([]);
    await relay.close();
  });

  it("asks again for notifications that were sent and never came (UA-02)", async () => {
    const relay = await TcpRelay.start(field.server.port);
    await observing(["Int16"], relay.url);
    const { driver, recording, server } = field;
    const from = recording.samples.length;
    relay.swallow();
    await server.set("Int16", 11);
    await expect.poll(() => server.do({ kind: "get", name: "Int16" })).toBe(11);
    await offline();
    relay.cut();
    relay.restore();
    await online();
    await expect.poll(() => valuesOf("Int16", from).at(-1), POLL).toBe(11);
    expect(driver.counters()["republished"]).toBeGreaterThan(0);
    expect(driver.counters()["missed"]).toBe(0);
    await relay.close();
  });

  it("subscribes to points that were replaced while the connection was dying", async () => {
    const relay = await TcpRelay.start(field.server.port);
    await observing(["Int16"], relay.url);
    const { recording, server } = field;
    relay.swallow();
    await field.bind(nodePoints(["Float"], { samplingMs: 0 }), { endpointUrl: relay.url });
    await offline();
    relay.cut();
    relay.restore();
    await online();
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ value: 1.5, quality: "good" });
    const from = recording.samples.length;
    await server.set("Float", 6.5);
    await expect.poll(() => valuesOf("Float", from).at(-1), POLL).toBe(6.5);
    await relay.close();
  });

  it("knows the points that were replaced while it was being connected to", async () => {
    const relay = await TcpRelay.start(field.server.port);
    await observing(["Int16"], relay.url);
    const { recording, server } = field;
    relay.cut();
    await offline();
    relay.restore();
    const names = ["Int16", "Float"];
    for (let turn = 0; recording.reachability(PANEL).at(-1) !== true; turn++) {
      await field.bind(nodePoints([names[turn % 2] ?? "", "Text"]), { endpointUrl: relay.url });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => latest("Text"), POLL).toMatchObject({ quality: "good" });
    const from = recording.samples.length;
    await server.set("Text", "changed");
    await expect.poll(() => valuesOf("Text", from).at(-1), POLL).toBe("changed");
    await relay.close();
  });

  it("makes its subscriptions anew when the server has dropped them", async () => {
    await observing(["Float"]);
    const { recording, server } = field;
    expect(await server.do({ kind: "dropSubscriptions" })).toBe(2);
    await expect.poll(() => recording.events.map(({ kind }) => kind), POLL).toEqual(["eventsMayBeMissing"]);
    await online();
    await server.set("Float", 4.5);
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ value: 4.5, quality: "good" });
    await expect.poll(() => server.do({ kind: "subscriptions" }), POLL).toBe(2);
  });

  it("opens a new session when the server has closed ours, and leaves none behind", async () => {
    await observing(["Float"]);
    const { driver, server } = field;
    await server.do({ kind: "closeSessions" });
    await expect.poll(() => field.recording.reachability(PANEL), POLL).toEqual([true, false, true]);
    await server.set("Float", 5.5);
    await expect.poll(() => latest("Float"), POLL).toMatchObject({ value: 5.5, quality: "good" });
    expect(await server.do({ kind: "sessions" })).toBe(1);
    await driver.stop();
    await expect.poll(() => server.do({ kind: "sessions" }), POLL).toBe(0);
  });

  it("takes over from the server's history what happened while it was out of reach", async () => {
    const relay = await TcpRelay.start(field.server.port);
    await observing(["Recorded", "Float"], relay.url);
    const { recording, server } = field;
    relay.cut();
    await offline();
    const values = Array.from({ length: 40 }, (_, at) => 100 + at);
    for (const value of values) await server.set("Recorded", value);
    relay.restore();
    await online();
    await expect.poll(() => recording.history.length, POLL).toBe(values.length);
    expect(recording.history.map(({ value }) => value)).toEqual(values);
    const times = recording.history.map(({ sourceTime }) => sourceTime ?? 0);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    // only nodes that have a history are asked for it
    expect(new Set(recording.history.map((sample) => sample.point))).toEqual(new Set([point("Recorded")]));
    await relay.close();
  });

  it("marks the value after which the server had to discard some (UA-03)", async () => {
    const relay = await TcpRelay.start(field.server.port);
    await observing(["Int16"], relay.url);
    const { driver, recording, server } = field;
    await server.set("Int16", 0);
    await expect.poll(() => latest("Int16"), POLL).toMatchObject({ value: 0 });
    const from = recording.samples.length;
    relay.cut();
    await offline();
    for (let value = 1; value <= 30; value++) await server.set("Int16", value);
    relay.restore();
    await online();
    await expect.poll(() => valuesOf("Int16", from).at(-1), POLL).toBe(30);
    const marked = recording.samples.slice(from).filter(({ reason }) => reason === "overflow");
    expect(marked.length).toBeGreaterThan(0);
    expect(marked[0]).toMatchObject({ quality: "uncertain", point: point("Int16") });
    expect(driver.counters()["overflows"]).toBe(marked.length);
    await relay.close();
  });

  it("stops cleanly while the server is frozen", async () => {
    await observing(["Float"]);
    field.server.freeze();
    const before = performance.now();
    await field.driver.stop();
    expect(performance.now() - before).toBeLessThan(4000);
    const told = field.recording.samples.length;
    field.server.thaw();
    await expect.poll(() => field.server.do({ kind: "get", name: "Float" }), POLL).toBe(1.5);
    expect(field.recording.samples.length).toBe(told);
  });
});
