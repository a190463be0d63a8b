import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { runExplorer } from "#protocols/bacnet/explorer/run.ts";
import type { SimulatedDevice } from "#simulators/device.ts";
import type { BacnetServer, BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { airHandler, loopbackSocket, serveAirHandler } from "#tests/contract/bacnet-fixture.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const POLL = { timeout: 15_000, interval: 20 };

const ALARMS: Partial<BacnetServerOptions> = {
  notificationClasses: [
    { instance: 1, name: "紧急", description: "Critical", priority: [10, 20, 30], ackRequired: [true, false, false] },
  ],
  events: {
    "supply-temperature": {
      algorithm: { kind: "outOfRange", highLimit: 30, lowLimit: 5, deadband: 1 },
      notificationClass: 1,
    },
  },
  trends: [{ signal: "supply-temperature", bufferSize: 100 }],
};

describe("npm run bacnet", () => {
  const closing: (() => Promise<void>)[] = [];
  let device: SimulatedDevice;
  let server: BacnetServer;
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bacnet-explorer-"));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    device = airHandler();
    server = await serveAirHandler(1001, ALARMS, device);
    closing.push(() => server.close());
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  interface Ended {
    readonly code: number;
    readonly out: string;
    readonly notes: string;
  }

  async function run(
    args: readonly string[],
    more: { signal?: AbortSignal; out?: (text: string) => void } = {},
  ): Promise<Ended> {
    let out = "";
    let notes = "";
    const network = ["--to", `127.0.0.1:${server.address.port}`, "--port", "0", "--timeout", "500", "--retries", "1"];
    const general = args[0] === "ede-import" ? [] : network;
    const code = await runExplorer([...args.slice(0, 1), ...general, ...args.slice(1)], {
      clock: systemClock,
      signal: more.signal ?? new AbortController().signal,
      out(text) {
        out += text;
        more.out?.(text);
      },
      note(text) {
        notes += text;
      },
    });
    return { code, out, notes };
  }
  const json = async (...args: readonly string[]) => {
    const { code, out } = await run([...args, "--json"]);
    return { code, ...JSON.parse(out) };
  };

  it("whois lists devices with their names, as a table and as JSON", async () => {
    const { code, out } = await run(["whois", "1000", "1999"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^device {2}address/);
    expect(out).toMatch(/1001 {2}127\.0\.0\.1:\d+ {2}空调机组 ahu-1 {2}Parkhub/);
    expect(await json("whois", "1001")).toMatchObject({
      code: 0,
      devices: [{ instance: 1001, maxApdu: 1476, segmentation: "both", name: "空调机组 ahu-1", answers: true }],
    });
    expect(await run(["whois", "5"])).toMatchObject({ code: 1, notes: "0 devices\n" });
  });

  it("scan lists objects, gives the point list, and compares with an earlier scan", async () => {
    const file = join(folder, "earlier.json");
    const { code, out } = await run(["scan", "1001", "--out", file]);
    expect(code).toBe(0);
    expect(out).toMatch(/^analog-value:1 {2,}送风温度设定 {2,}Supply air setpoint {2,}degC {2,}yes/m);
    const { points } = await json("scan", "1001", "--points");
    expect(points).toHaveLength(6);
    const earlier = JSON.parse(await readFile(file, "utf8"));
    earlier.objects[0].name = "old name";
    earlier.objects.push({ object: { type: 0, instance: 99 }, name: "gone", commandable: false });
    await writeFile(file, JSON.stringify(earlier));
    const compared = await run(["scan", "1001", "--earlier", file]);
    expect(compared.out).toContain("missing  analog-input:99\n");
    expect(compared.out).toContain("renamed  analog-input:1: old name -> 送风温度\n");
    await writeFile(file, "[]");
    expect(await run(["scan", "1001", "--earlier", file])).toMatchObject({ code: 2 });
  });

  it("read shows properties, all of them, and what the device refuses", async () => {
    const { code, out } = await run(["read", "1001", "ai:1", "ai:1.units", "bv:1.activeText"]);
    expect(code).toBe(0);
    expect(out).toMatch(/analog-input:1\.presentValue +18\.5/);
    expect(out).toMatch(/analog-input:1\.units +degC \(62\)/);
    expect(out).toMatch(/binary-value:1\.activeText +启/);
    const all = await json("read", "1001", "device:1001.all");
    expect(all.values.length).toBeGreaterThan(15);
    const refused = await run(["read", "1001", "ai:99"]);
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining("(object/unknownObject)") });
  });

  it("write takes a value by the object's type, shows the priorities, and relinquishes", async () => {
    const { code, out } = await run(["write", "1001", "av:1", "22.5", "--priority", "8"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^analog-value:1\.presentValue = 22\.5\n\npriority {2}value\n-+ {2}-+\n {7}8 {2}22\.5\n$/);
    expect(device.read("supply-setpoint")).toBe(22.5);
    expect(await json("write", "1001", "bv:1", "active", "--priority", "9")).toMatchObject({
      value: true,
      priority: 9,
    });
    expect(device.read("fan-command")).toBe(true);
    const given = await run(["write", "1001", "av:1", "null", "--priority", "8"]);
    expect(given.out).toContain("no priority holds it");
    expect(device.read("supply-setpoint")).toBe(20);
    const wrong = await run(["write", "1001", "av:1", "warm"]);
    expect(wrong).toMatchObject({
      code: 2,
      notes: expect.stringContaining('expected a number, or null to relinquish, got "warm"'),
    });
    const refused = await run(["write", "1001", "ai:1", "1"]);
    expect(refused).toMatchObject({ code: 1, notes: expect.stringContaining("property/writeAccessDenied") });
  });

  it.each([
    ["unconfirmed", []],
    ["confirmed", ["--confirmed"]],
  ])("subscribe shows changes until Ctrl-C, and cancels at the device: %s notifications", async (_, flags) => {
    const interrupt = new AbortController();
    let shown = "";
    const ended = run(["subscribe", "1001", "ai:1", "bi:1", ...flags], {
      signal: interrupt.signal,
      out: (text) => {
        shown += text;
      },
    });
    await expect.poll(() => server.subscriptions, POLL).toBe(2);
    await expect.poll(() => shown, POLL).toContain("analog-input:1.presentValue = 18.5");
    device.write("supply-temperature", 24);
    await expect.poll(() => shown, POLL).toContain("analog-input:1.presentValue = 24");
    interrupt.abort();
    expect((await ended).code).toBe(0);
    expect(server.subscriptions).toBe(0);
  });

  it("subscribe says which object refuses", async () => {
    server.faults.set("cov-refused");
    const { code, notes } = await run(["subscribe", "1001", "ai:1"]);
    expect(code).toBe(1);
    expect(notes).toContain("subscription to analog-input:1.presentValue: the device refused");
  });

  it("alarms lists what is in alarm and acknowledges it", async () => {
    expect(await json("alarms", "1001")).toMatchObject({ code: 0, alarms: [] });
    device.write("supply-temperature", 35);
    const waiting = { object: "analog-input:1", state: "highLimit", toAcknowledge: ["off-normal"], name: "送风温度" };
    await expect.poll(async () => (await json("alarms", "1001")).alarms, POLL).toMatchObject([waiting]);
    const { code, out } = await run(["alarms", "1001", "--ack", "all", "--by", "李明"]);
    expect(code).toBe(0);
    expect(out).toMatch(/analog-input:1 +送风温度 +highLimit +\d{4}-\d\d-\d\d /);
    expect((await json("alarms", "1001")).alarms).toMatchObject([{ toAcknowledge: [] }]);
    expect(await run(["alarms", "1001", "--ack", "ai:2"])).toMatchObject({ code: 1 });
  });

  it("trend shows the newest records, also as CSV", async () => {
    for (const value of [20, 21, 22]) {
      device.write("supply-temperature", value);
      await expect
        .poll(
          async () => (await json("trend", "1001", "trend-log:1")).records.map((one: { value: unknown }) => one.value),
          POLL,
        )
        .toContain(value);
    }
    const { records } = await json("trend", "1001", "tl:1", "--last", "2");
    expect(records.map(({ value }: { value: unknown }) => value)).toEqual([21, 22]);
    const { out } = await run(["trend", "1001", "tl:1", "--last", "1", "--csv"]);
    expect(out).toMatch(/^time,value,flags\r\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3},22,\r\n$/);
    expect((await json("trend", "1001", "tl:1", "--since", "2999-01-01")).records).toEqual([]);
    expect(
      (await json("trend", "1001", "tl:1", "--until", "2999-01-01T00:00:00+08:00")).records.length,
    ).toBeGreaterThan(2);
    expect(await run(["trend", "1001", "ai:1"])).toMatchObject({ code: 2 });
    expect(await run(["trend", "1001", "tl:9"])).toMatchObject({ code: 1 });
  });

  it("trend reads a long log back to a moment, each record once and in order", async () => {
    const clock = new ManualClock(Date.UTC(2026, 4, 1));
    await server.close();
    const trends = [{ signal: "supply-temperature", everyMs: 1000, bufferSize: 2000 }];
    const { port } = server.address;
    server = await serveAirHandler(1001, { clock, trends, port, covScanMs: 1000 }, device);
    for (let value = 0; value < 1300; value++) {
      device.write("supply-temperature", value);
      clock.advance(1000);
    }
    const valuesOf = async (...args: readonly string[]) => {
      const { records } = await json("trend", "1001", "tl:1", ...args);
      return records.flatMap(({ value }: { value: unknown }) => (typeof value === "number" ? [value] : []));
    };
    const all: readonly number[] = await valuesOf("--last", "1250");
    expect(all).toHaveLength(1250);
    expect(all).toEqual(Array.from({ length: 1250 }, (_, at) => (all[0] ?? 0) + at));
    expect(await valuesOf("--last", "3")).toEqual(all.slice(-3));
    const since: readonly number[] = await valuesOf("--since", "2026-05-01T00:05", "--until", "2026-05-01 00:10:00");
    expect(since).toHaveLength(301);
    expect(since).toEqual(Array.from({ length: 301 }, (_, at) => (since[0] ?? 0) + at));
  });

  it("read gives all properties also of a device that cannot give them at once", async () => {
    server.faults.set("rpm-abort", { above: 5 });
    const { code, values } = await json("read", "1001", "ai:1.all");
    expect(code).toBe(0);
    expect(values).toContainEqual({ property: "analog-input:1.presentValue", value: 18.5 });
    expect(values.length).toBeGreaterThan(6);
  });

  it("says so where there is nobody to ask", async () => {
    const io = {
      clock: systemClock,
      signal: new AbortController().signal,
      out() {},
      note: (text: string) => void notes.push(text),
    };
    const notes: string[] = [];
    expect(await runExplorer(["whois", "--interface", "127.0.0.1", "--port", "0"], io)).toBe(2);
    expect(notes[0]).toBe("127.0.0.1 is in no network with broadcasts: name --to, --broadcast or --bbmd\n");
  });

  it("ede-export writes four files, which ede-import reads as the same points", async () => {
    const file = join(folder, "plant_EDE.csv");
    const { code, out } = await run(["ede-export", "1001", "--out", file, "--project", "Plant"]);
    expect(code).toBe(0);
    expect(out.match(/\.csv$/gm)).toHaveLength(4);
    const imported = await run(["ede-import", file, "--json"]);
    expect(imported).toMatchObject({ code: 0, notes: "" });
    const [discovery] = JSON.parse(imported.out);
    const { points } = await json("scan", "1001", "--points");
    expect(discovery.points).toEqual(points);
    expect(discovery.devices).toMatchObject([{ identity: "1001", name: "空调机组 ahu-1", config: { instance: 1001 } }]);
    await writeFile(file, "keyname;device obj.-instance;object-name;object-type;object-instance\nk;1;n;teapot;1\n");
    const wrong = await run(["ede-import", file]);
    expect(wrong).toMatchObject({ code: 1, notes: expect.stringContaining(`${file}:2:7 type expected`) });
  });

  it("says which device did not answer, and ends with 1; a wrong command line with 2", async () => {
    const silent = await run(["read", "1002", "ai:1"]);
    expect(silent).toMatchObject({ code: 1, out: "" });
    expect(silent.notes).toMatch(/^device 1002 was not found: 127\.0\.0\.1:\d+ does not answer for it\n$/);
    expect(await run(["read", "1001"])).toMatchObject({
      code: 2,
      notes: expect.stringContaining("<object> is missing"),
    });
    expect(await run(["read", "x", "ai:1"])).toMatchObject({ code: 2 });
    expect(await run(["scan", "--help"])).toMatchObject({ code: 0, out: expect.stringContaining("--earlier") });
  });

  it("asks a device for itself that answers no Who-Is of its own", async () => {
    const quiet = await loopbackSocket();
    closing.push(() => quiet.close());
    const back = await loopbackSocket();
    closing.push(() => back.close());
    let client = 0;
    // Who-Is is lost on the way to it: 10 08 is an unconfirmed request of that service
    quiet.socket.on("message", (datagram, from) => {
      client = from.port;
      if (!datagram.includes(Buffer.from([0x10, 0x08]))) back.socket.send(datagram, server.address.port, "127.0.0.1");
    });
    back.socket.on("message", (datagram) => quiet.socket.send(datagram, client, "127.0.0.1"));
    const { code, out } = await run(["read", "1001", "ai:1", "--to", `127.0.0.1:${quiet.port}`]);
    expect(code).toBe(0);
    expect(out).toContain("18.5");
  });

  it("registers with a BBMD, and says so when that does not answer", async () => {
    const nobody = await loopbackSocket();
    closing.push(() => nobody.close());
    const { code, notes } = await run(["whois", "--bbmd", `127.0.0.1:${nobody.port}`]);
    expect(code).toBe(1);
    expect(notes).toBe(`the BBMD 127.0.0.1:${nobody.port} does not answer the registration\n`);
  });

  it("ends as a program: Ctrl-C cancels the subscription and the exit code is 0", async () => {
    const main = resolve(import.meta.dirname, "../../protocols/bacnet/explorer/main.ts");
    const to = `127.0.0.1:${server.address.port}`;
    const child = spawn(process.execPath, [main, "subscribe", "1001", "ai:1", "--to", to, "--port", "0", "--json"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
    closing.push(async () => void child.kill("SIGKILL"));
    await expect.poll(() => out, POLL).toContain('"analog-input:1.presentValue":18.5');
    expect(server.subscriptions).toBe(1);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    expect(server.subscriptions).toBe(0);
    for (const line of out.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("values");
  });

  it("ends as a program where nobody reads its output any more, as behind head", async () => {
    const main = resolve(import.meta.dirname, "../../protocols/bacnet/explorer/main.ts");
    const to = `127.0.0.1:${server.address.port}`;
    const child = spawn(process.execPath, [main, "subscribe", "1001", "ai:1", "--to", to, "--port", "0"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    closing.push(async () => void child.kill("SIGKILL"));
    let notes = "";
    child.stderr.on("data", (chunk: Buffer) => {
      notes += chunk.toString();
    });
    const ended = new Promise<void>((done) => child.once("close", () => done()));
    // it tells the first value to a pipe that is closed by then
    child.stdout.destroy();
    await ended;
    expect(notes).not.toContain("EPIPE");
    expect(server.subscriptions).toBe(0);
  });
});
