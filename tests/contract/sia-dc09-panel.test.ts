import { afterEach, beforeEach, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import { SiaDriver } from "#protocols/sia-dc09/driver.ts";
import type { PanelServer } from "#simulators/servers/sia-dc09.ts";
import { freePort } from "#tests/free-port.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";
import { dialling, KEY_128, panelBinding, temporaryFolder } from "./sia-dc09-field.ts";

const ZONE = { "zone-1": { signal: "zoneAlarm", zone: "1" }, armed: { signal: "armed" } } as const;
const zone1 = pointId("park/gw-1/panel/zone-1");
const POLL = { timeout: 10_000, interval: 20 } as const;

let folder: ReturnType<typeof temporaryFolder>;
let recording: Recording;
let driver: SiaDriver;
let port: number;
const panels: PanelServer[] = [];

beforeEach(async () => {
  folder = temporaryFolder();
  port = await freePort();
  recording = recordDriver({ folder: folder.path });
  driver = new SiaDriver({ port }, recording.deps);
  await driver.start(new AbortController().signal);
  await driver.bind([panelBinding("panel", { account: "1001", key: KEY_128 }, ZONE)]);
});
afterEach(async () => {
  await Promise.all(panels.splice(0).map((panel) => panel.close()));
  await driver.stop();
  folder.remove();
});

function panel(format: "SIA-DCS" | "ADM-CID", transport: "tcp" | "udp") {
  const made = dialling(port, { account: "1001", key: KEY_128, format, transport });
  panels.push(made);
  return made;
}
const codes = (): readonly unknown[] =>
  recording.events.filter((event: DeviceEvent) => event.kind === "panelEvent").map(({ data }) => data?.["code"]);

it.each([
  ["SIA-DCS", "tcp", ["CL", "RP", "BA", "BR"]],
  ["ADM-CID", "tcp", ["401", "602", "130", "130"]],
  ["SIA-DCS", "udp", ["CL", "RP", "BA", "BR"]],
] as const)("hears arming, test, alarm and restore of a %s panel over %s", async (format, transport, expected) => {
  const made = panel(format, transport);
  await expect.poll(() => recording.latest(pointId("park/gw-1/panel/armed"))?.value, POLL).toBe(true);
  made.write("zone-1-alarm", true);
  await expect.poll(() => recording.latest(zone1)?.value, POLL).toBe(true);
  made.write("zone-1-alarm", false);
  await expect.poll(() => recording.latest(zone1)?.value, POLL).toBe(false);
  await expect.poll(() => made.waiting, POLL).toBe(0);
  expect(codes()).toEqual(expected);
});

it.each(["duplicate", "garbage", "slow-bytes", "deaf"])(
  "tells one event of one alarm when the line shows %s",
  async (kind) => {
    const made = panel("SIA-DCS", "tcp");
    await expect.poll(() => made.waiting, POLL).toBe(0);
    made.faults.set(kind);
    made.write("zone-1-alarm", true);
    await expect.poll(() => recording.latest(zone1)?.value, POLL).toBe(true);
    if (kind === "deaf") await expect.poll(() => driver.counters()["duplicates"], POLL).toBeGreaterThan(0);
    made.faults.clear();
    await expect.poll(() => made.waiting, POLL).toBe(0);
    expect(codes().filter((code) => code === "BA")).toHaveLength(1);
  },
);

it.each(["crc-error", "wrong-length", "unencrypted", "wrong-key"])(
  "believes nothing while the line shows %s, and all of it afterwards",
  async (kind) => {
    const made = panel("SIA-DCS", "tcp");
    await expect.poll(() => made.waiting, POLL).toBe(0);
    made.faults.set(kind);
    made.write("zone-1-alarm", true);
    await expect.poll(() => made.counters().none, POLL).toBeGreaterThan(0);
    expect(recording.latest(zone1)?.value).toBe(false);
    made.faults.clear();
    await expect.poll(() => recording.latest(zone1)?.value, POLL).toBe(true);
    expect(codes().filter((code) => code === "BA")).toHaveLength(1);
  },
);

it("sets the clock of a panel that is an hour off by its NAK", async () => {
  const made = panel("SIA-DCS", "tcp");
  made.faults.set("clock-drift", { seconds: 3600 });
  made.write("zone-1-alarm", true);
  await expect.poll(() => recording.latest(zone1)?.value, POLL).toBe(true);
  expect(made.counters().NAK).toBeGreaterThan(0);
});

it("loses no report of a panel while the receiver is down", async () => {
  const made = panel("SIA-DCS", "tcp");
  await expect.poll(() => made.waiting, POLL).toBe(0);
  await driver.stop();
  for (const value of [true, false, true]) {
    const before = made.waiting;
    made.write("zone-2-tamper", value);
    await expect.poll(() => made.waiting, POLL).toBeGreaterThan(before);
  }
  driver = new SiaDriver({ port }, recording.deps);
  await driver.start(new AbortController().signal);
  await driver.bind([panelBinding("panel", { account: "1001", key: KEY_128 }, ZONE)]);
  await expect.poll(() => made.waiting, { timeout: 20_000 }).toBe(0);
  expect(codes().filter((code) => code === "TA" || code === "TR")).toEqual(["TA", "TR", "TA"]);
}, 40_000);
