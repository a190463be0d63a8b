import { once } from "node:events";
import { createConnection } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import { formatFrame } from "#protocols/sia-dc09/codec/frame.ts";
import type { SiaAddress } from "#protocols/sia-dc09/config.ts";
import { SiaDriver } from "#protocols/sia-dc09/driver.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";
import { panelBinding, temporaryFolder } from "./sia-dc09-field.ts";

const PANIC = pointId("park/gw-1/plain/panic");
const ANYWHERE = pointId("park/gw-1/plain/anywhere");

let clock: ManualClock;
let recording: Recording;
let driver: SiaDriver;
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(async () => {
  clock = new ManualClock(Date.UTC(2026, 10, 21, 10, 0, 0));
  folder = temporaryFolder();
  recording = recordDriver({ clock, folder: folder.path, storeEvent: async () => undefined });
  driver = new SiaDriver({ port: 0 }, recording.deps);
  await driver.start(new AbortController().signal);
});
afterEach(async () => {
  await driver.stop();
  folder.remove();
});

const bind = (addresses: Readonly<Record<string, SiaAddress>>): Promise<void> =>
  driver.bind([panelBinding("plain", { account: "1234" }, addresses)]);

/** Sends a report and waits for its acknowledgement. */
async function report(id: "SIA-DCS" | "ADM-CID", sequence: string, data: string): Promise<void> {
  const socket = createConnection({ host: "127.0.0.1", port: driver.port });
  socket.write(formatFrame(`"${id}"${sequence}L0#1234[#1234|${data}]`));
  await once(socket, "data");
  socket.destroy();
}
const told = () =>
  recording.conditions.flatMap(({ conditions }) =>
    conditions.map(({ condition, active, category }) => [condition, active, category]),
  );

describe("an alarm that names no zone", () => {
  it("is an alarm of its own category, and no panic", async () => {
    await bind({ panic: { signal: "panic" } });
    await report("SIA-DCS", "0001", "NFA");
    await report("ADM-CID", "0002", "1130 00 000");
    expect(recording.samples.filter(({ point, value }) => point === PANIC && value === true)).toEqual([]);
    expect(told()).toEqual([
      ["zoneAlarm.fire", true, "fire"],
      ["zoneAlarm.intrusion", true, "intrusion"],
    ]);
  });

  it("is over by itself, each category by its own, because no zone will tell its end", async () => {
    await bind({});
    await report("SIA-DCS", "0001", "NFA");
    clock.advance(3_000);
    await report("SIA-DCS", "0002", "NBA");
    clock.advance(3_000);
    expect(told()).toEqual([
      ["zoneAlarm.fire", true, "fire"],
      ["zoneAlarm.intrusion", true, "intrusion"],
      ["zoneAlarm.fire", false, "fire"],
    ]);
    clock.advance(3_000);
    expect(told().at(-1)).toEqual(["zoneAlarm.intrusion", false, "intrusion"]);
    expect(told()).toHaveLength(4);
  });

  it("is over for the hub also when the receiver ended before it could tell that", async () => {
    await bind({});
    await report("SIA-DCS", "0001", "NFA");
    await report("SIA-DCS", "0002", "NPA");
    await driver.stop();
    driver = new SiaDriver({ port: 0 }, recording.deps);
    await driver.start(new AbortController().signal);
    await bind({});
    expect(told()).toEqual([
      ["zoneAlarm.fire", true, "fire"],
      ["panic", true, "panic"],
      ["panic", false, "panic"],
      ["zoneAlarm.fire", false, "fire"],
    ]);
    // the next frame is another alarm, and what is over already is not told with every start
    await report("SIA-DCS", "0003", "NFA");
    clock.advance(6_000);
    await report("SIA-DCS", "0004", "NRP");
    expect(told().slice(4)).toEqual([
      ["zoneAlarm.fire", true, "fire"],
      ["zoneAlarm.fire", false, "fire"],
    ]);
    await driver.stop();
    driver = new SiaDriver({ port: 0 }, recording.deps);
    await driver.start(new AbortController().signal);
    await bind({});
    expect(told()).toHaveLength(6);
  });

  it("shows at the point that is made for it, for some seconds", async () => {
    await bind({ anywhere: { signal: "zoneAlarm" } });
    await report("SIA-DCS", "0001", "NBA");
    expect(recording.latest(ANYWHERE)).toMatchObject({ value: true, quality: "good" });
    clock.advance(6_000);
    expect(recording.latest(ANYWHERE)).toMatchObject({ value: false, quality: "good" });
    expect(told()).toEqual([]);
  });

  it("of a hold-up button is a panic as ever", async () => {
    await bind({ panic: { signal: "panic" } });
    await report("SIA-DCS", "0001", "NPA");
    expect(recording.latest(PANIC)).toMatchObject({ value: true, quality: "good" });
  });
});
