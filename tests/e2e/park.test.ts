import { readdirSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Completeness } from "#core/contracts/completeness.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { HistoryView } from "#core/contracts/history.ts";
import type { PointView } from "#core/contracts/points.ts";
import type { ApiClient } from "./api-client.ts";
import { Park } from "./park.ts";

const GOOD_SHARE = 0.99;
const POINTS = 750;
/** How soon after the launcher's start the points must be good, ms. */
const GOOD_WITHIN_MS = 30_000;
const PROTOCOLS = ["bacnet", "modbus", "onvif", "opcua", "sia-dc09"] as const;

/**
 * Points that a field signal is followed through, of each protocol and transport, each with values that physics does not give. What
 * a device tells by itself is set in it, as its detector would; elsewhere the wire is let see a value.
 */
const FOLLOWED = [
  { device: "ahu-1", signal: "return-air-co2", values: [1511, 611, 2222, 733], tells: false },
  { device: "power-meter-1", signal: "active-power", values: [11.5, 99.25, 3.5, 77], tells: false },
  { device: "water-meter-1", signal: "flow", values: [31.5, 8.25, 77, 12.5], tells: false },
  { device: "pump-station", signal: "discharge-pressure", values: [111.5, 444.25, 222, 333.5], tells: false },
  { device: "cam-2", signal: "motion", values: [true, false, true, false], tells: true },
  { device: "burglar-panel", signal: "zone-6-tamper", values: [true, false, true, false], tells: true },
] as const;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the demo park", () => {
  let park: Park;
  let client: ApiClient;
  const pids = new Set<number>();
  const rememberPids = (): void => {
    for (const pid of park.pids()) pids.add(pid);
  };
  const points = (): Promise<PointView[]> => client.all<PointView>("/points");
  const history = async (point: string, from: number): Promise<HistoryView["samples"]> => {
    const url = `/points/${encodeURIComponent(point)}/history?from=${new Date(from).toISOString()}`;
    return (await client.get<HistoryView>(url)).samples;
  };

  let begun: number;

  beforeAll(async () => {
    begun = performance.now();
    park = await Park.start();
    client = await park.signIn();
    rememberPids();
  }, 120_000);
  afterAll(() => park?.close());

  it(`shows ${POINTS} points of five protocols, 99 % of them good within 30 s of the start`, async () => {
    const notGood = async () => (await points()).filter(({ current }) => current.quality !== "good");
    const share = async () => 1 - (await notGood()).length / (await points()).length;
    const left = Math.max(1, GOOD_WITHIN_MS - (performance.now() - begun));
    await expect.poll(share, { timeout: left }).toBeGreaterThanOrEqual(GOOD_SHARE);
    for (const { id, current } of await notGood()) process.stderr.write(`not good: ${id} (${current.reason ?? ""})\n`);
    const all = await points();
    expect(all.length).toBeGreaterThanOrEqual(POINTS);
    expect(new Set(all.map(({ protocol }) => protocol))).toEqual(new Set(PROTOCOLS));
    expect(all.filter(({ current }) => current.observedAt === null)).toEqual([]);
  });

  it("has sent its first births whole: no packet was refused, and nothing in them quarantined", async () => {
    const { items } = await client.get<{ items: GatewayView[] }>("/gateways");
    expect(items).toMatchObject([{ online: true, gaps: [], quarantined: 0, configErrors: [] }]);
    const metrics = await (await fetch(`${client.base}/metrics`)).text();
    const violations = metrics.split("\n").filter((line) => /^parkhub_broker_violations_total\b/.test(line));
    expect(violations.map((line) => Number(line.split(" ").at(-1))).reduce((sum, count) => sum + count, 0)).toBe(0);
    const failures = (["cloud", "gw-1", "simulators"] as const).flatMap((part) =>
      park
        .log(part, 10_000)
        .split("\n")
        .filter((line) => /"level":[56]0/.test(line)),
    );
    expect(failures).toEqual([]);
  });

  it("moves: values of every protocol change by themselves", async () => {
    const before = new Map((await points()).map(({ id, current }) => [id, current.value]));
    const moved = async (protocol: string): Promise<number> =>
      (await points()).filter((point) => point.protocol === protocol && point.current.value !== before.get(point.id))
        .length;
    await expect.poll(() => moved("bacnet"), { timeout: 20_000 }).toBeGreaterThanOrEqual(10);
    await expect.poll(() => moved("modbus"), { timeout: 20_000 }).toBeGreaterThanOrEqual(10);
  }, 45_000);

  it.each(FOLLOWED)(
    "keeps as history what $device/$signal produced, each value once and at its time",
    async (followed) => {
      const { device, signal, values, tells } = followed;
      const id = `demo-park/gw-1/${device}/${signal}`;
      const url = `/points/${encodeURIComponent(id)}`;
      const from = (await park.simulatorState()).at;
      for (const value of values) {
        if (tells) await park.set(device, signal, value);
        else await park.hold(device, signal, value);
        await expect
          .poll(async () => (await client.get<PointView>(url)).current)
          .toMatchObject({ value, quality: "good" });
      }
      const changes = await park.changes(device, signal, from);
      // The field's own record first: had it not taken these values, the comparison would say nothing.
      expect(changes.map(({ value }) => value).slice(-values.length)).toEqual([...values]);
      const since = changes.at(-values.length)?.at ?? Number.NaN;
      await expect.poll(async () => (await history(id, since))?.length).toBeGreaterThanOrEqual(values.length);
      const samples = (await history(id, since)) ?? [];
      expect(samples.map(({ value, quality }) => [value, quality])).toEqual(values.map((value) => [value, "good"]));
      for (const [index, sample] of samples.entries()) {
        const began = changes.at(index - values.length)?.at ?? Number.NaN;
        const ended = index + 1 < values.length ? (changes.at(index + 1 - values.length)?.at ?? Number.NaN) : Infinity;
        expect(Date.parse(sample.t), `${index}`).toBeGreaterThanOrEqual(began);
        expect(Date.parse(sample.t), `${index}`).toBeLessThanOrEqual(ended);
      }
      if (!tells) await park.release(device, signal);
    },
  );

  it("refuses a second park on the same data folder, which goes on", async () => {
    const { code, said } = await Park.refused({ PARKHUB_DATA: park.data });
    expect([code, said]).toEqual([2, expect.stringContaining("is in use by another parkhub")]);
    expect(said).toContain("PARKHUB_DATA");
    expect(await park.isReady()).toBe(true);
  });

  it("leaves no process, no pid file and no lock after Ctrl-C, and goes on with the same data", async () => {
    const epochs = async () => {
      const { lanes } = await client.get<Completeness>("/gateways/gw-1/completeness");
      return lanes.filter(({ lane }) => lane === "telemetry").map(({ epoch, from }) => ({ epoch, from }));
    };
    const before = await epochs();
    rememberPids();
    expect(pids.size).toBeGreaterThanOrEqual(4);
    expect(await park.interrupt()).toBe(0);
    expect([...pids].filter(isAlive)).toEqual([]);
    expect(park.pids()).toEqual([]);
    expect(readdirSync(path.join(park.data, "run"))).toEqual([]);

    const started = performance.now();
    await park.launch();
    process.stderr.write(`second start: ready after ${Math.round(performance.now() - started)} ms\n`);
    client = await park.signIn();
    expect(await epochs()).toEqual(before);
    expect((await client.get<{ items: GatewayView[] }>("/gateways")).items).toMatchObject([{ online: true, gaps: [] }]);
    const { lanes } = await client.get<Completeness>("/gateways/gw-1/completeness");
    for (const { lane, missing, gaps } of lanes)
      expect({ lane, missing, gaps }).toEqual({ lane, missing: [], gaps: [] });
    rememberPids();
    expect(await park.interrupt()).toBe(0);
    expect([...pids].filter(isAlive)).toEqual([]);
    expect(readdirSync(path.join(park.data, "run"))).toEqual([]);
  }, 90_000);
});

describe("a park that cannot start", { timeout: 60_000 }, () => {
  it.each(["PARKHUB_HTTP", "PARKHUB_MQTT", "PARKHUB_SIM"])(
    "says which port is in use and that %s changes it, and ends with code 2",
    async (variable) => {
      // Takes connections and never says a word.
      const connections: Socket[] = [];
      const occupant = createServer((socket) => connections.push(socket.on("error", () => socket.destroy())));
      await new Promise<void>((resolve) => occupant.listen(0, "127.0.0.1", resolve));
      const address = occupant.address();
      if (address === null || typeof address === "string") return expect.unreachable("no port");
      try {
        const { code, said } = await Park.refused({ [variable]: `127.0.0.1:${address.port}` });
        expect(code, said).toBe(2);
        expect(said).toContain(String(address.port));
        expect(said).toContain(variable);
      } finally {
        for (const socket of connections) socket.destroy();
        await new Promise((resolve) => occupant.close(resolve));
      }
    },
  );

  it("tells every wrong variable at once and starts nothing", async () => {
    const { code, said } = await Park.refused({ PARKHUB_LOG: "loud", PARKHUB_HTTP: "8080", PARKHUB_COLOUR: "blue" });
    expect(code, said).toBe(2);
    for (const name of ["PARKHUB_LOG", "PARKHUB_HTTP", "PARKHUB_COLOUR"]) expect(said).toContain(name);
    expect(said).not.toContain("starting the site");
  });

  it("refuses a site that does not exist", async () => {
    const { code, said } = await Park.refused({ PARKHUB_SITE: "no-such-park" });
    expect(code, said).toBe(2);
    expect(said).toContain("no-such-park");
  });
});
