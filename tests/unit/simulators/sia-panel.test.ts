import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { type Frame, FrameReader, formatFrame } from "#protocols/sia-dc09/codec/frame.ts";
import { formatTimestamp, parseTimestamp } from "#protocols/sia-dc09/codec/timestamp.ts";
import { createBurglarPanel } from "#simulators/devices/burglar-panel.ts";
import { PanelFaults } from "#simulators/servers/sia-dc09/faults.ts";
import { type PanelServer, servePanel } from "#simulators/servers/sia-dc09.ts";
import { ManualClock } from "../../manual-clock.ts";

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 5, 1, 12);

describe("a panel whose receiver has another time", () => {
  let receiver: Server;
  let panel: PanelServer;
  let clock: ManualClock;
  /** How far the stamps of the frames that came are ahead of the panel's clock, ms. */
  const ahead: number[] = [];
  let accepts: (aheadMs: number) => boolean = () => false;

  beforeEach(async () => {
    clock = new ManualClock(NOW);
    ahead.length = 0;
    receiver = createServer((socket) => {
      const reader = new FrameReader();
      socket.on("error", () => socket.destroy());
      socket.on("data", (bytes) => {
        for (const frame of reader.push(bytes)) if (typeof frame !== "string") socket.write(answerTo(frame));
      });
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const { port } = receiver.address() as AddressInfo;
    const device = createBurglarPanel({ id: "panel", name: "主机", nameEn: "Panel" });
    const options = { receiver: { host: "127.0.0.1", port: () => port }, account: "1001", clock };
    panel = servePanel(device, options, silentLogger);
  });
  afterEach(async () => {
    await panel.close();
    receiver.close();
  });

  function answerTo({ content, sequence }: Frame): Uint8Array {
    const at = parseTimestamp(content.slice(content.indexOf("_"))) ?? Number.NaN;
    ahead.push(at - NOW);
    const time = formatTimestamp(NOW + HOUR_MS);
    return Buffer.from(formatFrame(accepts(at - NOW) ? `"ACK"${sequence}R0L0#1001[]` : `"NAK"0000R0L0A0[]${time}`));
  }

  it("goes by the receiver's time after its NAK", async () => {
    accepts = (ms) => ms === HOUR_MS;
    clock.advance(50);
    await expect.poll(() => panel.counters().ACK).toBe(1);
    expect(panel.counters()).toMatchObject({ sent: 2, NAK: 1 });
  });

  it("does not flood a receiver that goes on refusing it", async () => {
    accepts = () => false;
    clock.advance(50);
    await expect.poll(() => panel.counters().NAK).toBe(2);
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    expect(panel.counters().sent).toBe(2);
    clock.advance(600);
    await expect.poll(() => panel.counters().sent).toBe(3);
  });
});

it("a panel's faults take no option that they do not have, and no time that no clock shows", () => {
  const faults = new PanelFaults();
  const refusal = expect.objectContaining({ code: "SIM_FAULT_OPTION_INVALID" });
  expect(() => faults.set("deaf", { seconds: 3 })).toThrow(refusal);
  expect(() => faults.set("clock-drift", { seconds: 3, minutes: 1 })).toThrow(refusal);
  for (const seconds of [1e300, Number.NaN, "3600"]) {
    expect(() => faults.set("clock-drift", { seconds })).toThrow(refusal);
  }
  expect(() => faults.set("clock-drift")).toThrow(refusal);
  expect(faults.active).toEqual([]);
});
