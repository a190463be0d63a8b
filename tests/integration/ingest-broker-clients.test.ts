import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { EmbeddedBrokerOptions } from "#cloud/broker/embedded-broker.ts";
import { gatewayId } from "#core/ids.ts";
import { BrokerDoor, gone, inbox, PASSWORD } from "#tests/fixtures/cloud/broker-door.ts";
import { connectBytes } from "#tests/fixtures/cloud/mqtt-bytes.ts";

let door: BrokerDoor;
async function open(change: Partial<EmbeddedBrokerOptions> = {}): Promise<void> {
  door = await BrokerDoor.open(change);
}
afterEach(() => door.close());

const CERTIFICATES = "$sparkplug/certificates";

describe("a foreign host at the embedded broker", () => {
  it("that comes late finds the last births of every node and device, and then sees what happens", async () => {
    await open();
    const one = await door.enter("park:gw-1");
    const press = await door.enter("press");
    for (const [client, topic, text] of [
      [one, "spBv1.0/park/NBIRTH/gw-1", "birth 1"],
      [one, "spBv1.0/park/NBIRTH/gw-1", "birth 2"],
      [one, "spBv1.0/park/DBIRTH/gw-1/ahu", "device"],
      [press, "spBv1.0/park/NBIRTH/plc-7", "foreign"],
    ] as const)
      await client.publishAsync(topic, text, { qos: 1 });
    const scada = await door.enter("scada");
    const got = inbox(scada);
    await scada.subscribeAsync([`${CERTIFICATES}/#`, "spBv1.0/#"], { qos: 1 });
    await expect
      .poll(() => got.toSorted())
      .toEqual([
        `retained ${CERTIFICATES}/spBv1.0/park/DBIRTH/gw-1/ahu device`,
        `retained ${CERTIFICATES}/spBv1.0/park/NBIRTH/gw-1 birth 2`,
        `retained ${CERTIFICATES}/spBv1.0/park/NBIRTH/plc-7 foreign`,
      ]);
    await one.publishAsync("spBv1.0/park/DDATA/gw-1/ahu", "data", { qos: 1 });
    await expect.poll(() => got.at(-1)).toBe("spBv1.0/park/DDATA/gw-1/ahu data");
  });

  it("finds no birth of a device whose node was born again without it, and hears of no empty one", async () => {
    await open();
    const one = await door.enter("park:gw-1");
    const scada = await door.enter("scada");
    const live = inbox(scada);
    await scada.subscribeAsync(`${CERTIFICATES}/#`);
    await one.publishAsync("spBv1.0/park/NBIRTH/gw-1", "birth 1", { qos: 1 });
    await one.publishAsync("spBv1.0/park/DBIRTH/gw-1/ahu", "device", { qos: 1 });
    await one.publishAsync("spBv1.0/park/NBIRTH/gw-1", "birth 2", { qos: 1 });
    await expect.poll(() => live.length).toBe(3);
    expect(live.map((line) => line.split(" ").slice(1).join(" "))).toEqual(["birth 1", "device", "birth 2"]);
    const late = await door.enter("mes");
    const got = inbox(late);
    await late.subscribeAsync(`${CERTIFICATES}/#`);
    await expect.poll(() => got).toEqual([`retained ${CERTIFICATES}/spBv1.0/park/NBIRTH/gw-1 birth 2`]);
  });

  it("sees nothing of our own topics and speaks for nobody else", async () => {
    await open();
    for (const filter of ["#", "parkhub/#", "parkhub/v1/park/+/commands", "$share/g/spBv1.0/#", "$SYS/#"]) {
      const scada = await door.enter("scada");
      await expect(scada.subscribeAsync(filter), filter).rejects.toThrow();
      await scada.endAsync(true);
    }
    for (const topic of [
      "spBv1.0/park/NDATA/gw-1",
      "spBv1.0/park/NCMD/gw-1",
      "spBv1.0/STATE/parkhub",
      "parkhub/v1/park/gw-1/commands",
    ]) {
      const scada = await door.enter("scada");
      const left = gone(scada);
      scada.publish(topic, "x", { qos: 1 }, () => undefined);
      await left;
    }
    expect(door.violations.counts.get("foreignPublish")).toBe(4);
    expect(door.taken).toEqual([]);
  });

  it("tells its own state, kept for others, with a will that speaks when it is cut off", async () => {
    await open();
    const state = "spBv1.0/STATE/scada";
    const will = { topic: state, payload: Buffer.from("offline"), qos: 1, retain: true } as const;
    const scada = await door.enter("scada", { will });
    await scada.publishAsync(state, "online", { qos: 1, retain: true });
    const one = await door.enter("park:gw-1");
    const got = inbox(one);
    await one.subscribeAsync("spBv1.0/STATE/#", { qos: 1 });
    await expect.poll(() => got).toEqual([`retained ${state} online`]);
    scada.stream.destroy();
    await expect.poll(() => got.at(-1)).toBe(`${state} offline`);
    expect(door.violations.counts.size).toBe(0);
    expect(door.taken).toEqual([]);
  });

  it("asks a node for new births where it may command, and for nothing else", async () => {
    await open();
    const one = await door.enter("park:gw-1");
    const got = inbox(one);
    await one.subscribeAsync("spBv1.0/park/NCMD/gw-1");
    const mes = await door.enter("mes");
    await mes.publishAsync("spBv1.0/park/NCMD/gw-1", "rebirth", { qos: 1 });
    await expect.poll(() => got).toEqual(["spBv1.0/park/NCMD/gw-1 rebirth"]);
    const left = gone(mes);
    mes.publish("spBv1.0/park/DCMD/gw-1/ahu", "x", { qos: 1 }, () => undefined);
    await left;
  });

  it("is let in with its own client id and a clean session only", async () => {
    await open();
    expect(await door.knock("scada", { clientId: "park:gw-1" })).toBe(2);
    expect(await door.knock("scada", { clean: false })).toBe(2);
    expect(await door.knock("scada", { password: "wrong" })).toBe(4);
    expect(await door.knock("park:gw-1", { clientId: "scada-client" })).toBe(2);
  });

  it("loses its connection with its credential", async () => {
    await open();
    const scada = await door.enter("scada");
    const left = gone(scada);
    door.broker.evict("scada-client");
    await left;
  });
});

describe("a foreign edge node at the embedded broker", () => {
  it("speaks under its own name, on Sparkplug's topics alone", async () => {
    await open();
    const press = await door.enter("press");
    await press.publishAsync("spBv1.0/park/NBIRTH/plc-7", "birth", { qos: 1 });
    expect(door.taken.map(({ gateway, topic }) => [gateway, topic])).toEqual([
      ["park/plc-7", "spBv1.0/park/NBIRTH/plc-7"],
    ]);
    await press.subscribeAsync(["spBv1.0/park/NCMD/plc-7/#", "spBv1.0/park/DCMD/plc-7/#", "spBv1.0/STATE/#"], {
      qos: 1,
    });
    await expect(press.subscribeAsync("parkhub/v1/park/plc-7/commands")).rejects.toThrow();
    const left = gone(press);
    press.publish("parkhub/v1/park/plc-7/events", "{}", { qos: 1 }, () => undefined);
    await left;
  });
});

describe("the embedded broker", () => {
  it("refuses a publication with QoS 2, whose handshake would keep state, and counts it", async () => {
    await open();
    const one = await door.enter("park:gw-1");
    const left = gone(one);
    one.publish("parkhub/v1/park/gw-1/events", "{}", { qos: 2 }, () => undefined);
    await left;
    expect(door.violations.counts.get("exactlyOnce")).toBe(1);
    expect(door.taken).toEqual([]);
  });

  it("[catalogue 10] tells a storm of takeovers once, to the log, the audit trail and whoever raises the alarm", async () => {
    await open();
    const told: [string, boolean][] = [];
    door.broker.onTakeoverStorm((gateway, storming) => told.push([gateway, storming]));
    for (let nr = 0; nr < 10; nr++) await door.enter("park:gw-1");
    await door.enter("park:gw-2");
    expect(told).toEqual([[gatewayId("park/gw-1"), true]]);
    expect(door.violations.counts.get("takeover")).toBe(9);
    expect(door.violations.counts.get("takeoverStorm")).toBe(1);
    expect(door.audited).toEqual(["park/gw-1 mqtt.takeover", "park/gw-1 mqtt.takeoverStorm"]);
  });

  it("takes no gateway that is there for dead when the machine's clock leaps", async () => {
    const intervals = vi.spyOn(globalThis, "setInterval");
    await open();
    const timers = intervals.mock.calls.map(([work, ms = 0]) => ({ work: work as () => void, ms }));
    intervals.mockRestore();
    // the rarest first: whatever sweeps up after the dead may run before whatever says that we live
    timers.sort((a, b) => b.ms - a.ms);
    const will = { topic: "spBv1.0/park/NDEATH/gw-1", payload: Buffer.from("will"), qos: 1, retain: false } as const;
    const one = await door.enter("park:gw-1", { will });
    for (const { work } of timers.toReversed()) work();
    await one.publishAsync("spBv1.0/park/NDATA/gw-1", "before", { qos: 1 });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 24 * 3_600_000 });
    try {
      for (const { work } of timers) {
        work();
        for (const text of ["a", "b"]) await one.publishAsync("spBv1.0/park/NDATA/gw-1", text, { qos: 1 });
      }
    } finally {
      vi.useRealTimers();
    }
    expect(timers.length).toBeGreaterThan(1);
    expect(new Set(door.taken.map(({ topic }) => topic))).toEqual(new Set(["spBv1.0/park/NDATA/gw-1"]));
  });

  it("lets nobody in whose connection ended while the password was checked", async () => {
    const checks: (() => void)[] = [];
    const known = gatewayId("park/gw-1");
    await open({ authenticate: () => new Promise((resolve) => checks.push(() => resolve(known))) });
    const knocking = door.enter("park:gw-1");
    await expect.poll(() => checks.length).toBe(1);
    checks[0]?.();
    const one = await knocking;
    const second = connect(door.broker.port, "127.0.0.1");
    second.write(connectBytes("park:gw-1", PASSWORD));
    await expect.poll(() => checks.length).toBe(2);
    await new Promise<void>((resolve) => {
      second.once("close", () => resolve());
      second.resetAndDestroy();
    });
    // round trips, so that the broker has seen the end as well
    for (let nr = 0; nr < 5; nr++) await one.publishAsync("spBv1.0/park/NDATA/gw-1", "x", { qos: 1 });
    checks[1]?.();
    await one.publishAsync("spBv1.0/park/NDATA/gw-1", "x", { qos: 1 });
    expect(door.violations.counts.get("takeover")).toBeUndefined();
    expect(one.connected).toBe(true);
  });

  it("takes births that a gateway sends right behind its CONNECT, however many", async () => {
    await open();
    const one = await door.enter("park:gw-1");
    for (let nr = 0; nr < 2_000; nr++) one.publish(`spBv1.0/park/DBIRTH/gw-1/device-${nr}`, "birth");
    await expect.poll(() => door.taken.length).toBe(2_000);
    expect(door.taken.map(({ topic }) => Number(topic.slice(topic.lastIndexOf("-") + 1)))).toEqual(
      Array.from({ length: 2_000 }, (_, nr) => nr),
    );
  });
});
