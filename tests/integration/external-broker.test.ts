import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ExternalBroker, type ExternalBrokerOptions } from "#cloud/broker/external-broker.ts";
import { systemClock } from "#core/clock.ts";
import { hubTopic } from "#core/contracts/topics.ts";
import { gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { parseState } from "#core/sparkplug/host-state.ts";
import { openRelay } from "#simulators/relay.ts";
import {
  cloudUrl,
  gatewayAt,
  HOST,
  ListeningCloud,
  mosquittoOfPark,
  readerAt,
  SITE,
} from "#tests/fixtures/cloud/external-park.ts";
import { mosquittoProgram, selfSigned } from "#tests/servers/mosquitto.ts";
import type { TestServer } from "#tests/servers/server.ts";

const GW_1 = gatewayId("park/gw-1");
const STATE = `spBv1.0/STATE/${HOST}`;
const birth = (name: string): string => `spBv1.0/${SITE}/NBIRTH/${name}`;
const data = (name: string): string => `spBv1.0/${SITE}/NDATA/${name}`;

let server: TestServer;
const clouds: ListeningCloud[] = [];
const clients: MqttClient[] = [];

async function gateway(name = "gw-1"): Promise<MqttClient> {
  const client = await gatewayAt(server.port, name);
  clients.push(client);
  return client;
}
async function listening(change: Partial<ExternalBrokerOptions> = {}): Promise<ListeningCloud> {
  const cloud = new ListeningCloud(cloudUrl(server), change);
  clouds.push(cloud);
  cloud.broker.attach(cloud);
  await expect.poll(() => cloud.broker.status.ready).toBe(true);
  return cloud;
}
/** What a foreign host sees of our state, oldest first. */
async function states(): Promise<{ online: boolean; timestamp: number; retain: boolean }[]> {
  const seen: { online: boolean; timestamp: number; retain: boolean }[] = [];
  const reader = await readerAt(server.port);
  clients.push(reader);
  reader.on("message", (topic, payload, { retain }) => {
    const state = topic === STATE ? parseState(payload) : undefined;
    if (state !== undefined) seen.push({ ...state, retain });
  });
  await reader.subscribeAsync(STATE, { qos: 1 });
  return seen;
}
function sayOnline(cloud: ListeningCloud, online = true): void {
  cloud.broker.publish(STATE, JSON.stringify({ online, timestamp: Date.now() }), { qos: 1, retain: true });
}

describe.skipIf(mosquittoProgram() === undefined)("a broker by URL", () => {
  beforeAll(async () => {
    server = await mosquittoOfPark();
  });
  afterAll(() => server.remove());
  afterEach(async () => {
    for (const { broker } of clouds.splice(0)) await broker.close();
    for (const client of clients.splice(0)) await client.endAsync(true);
  });

  it("brings what gateways publish, each under its own name, whatever the payload says", async () => {
    const cloud = await listening();
    const [one, two] = [await gateway("gw-1"), await gateway("gw-2")];
    await one.publishAsync(hubTopic(SITE, "gw-1", "events"), "e1", { qos: 1 });
    await two.publishAsync(`spBv1.0/${SITE}/DDATA/gw-2/ahu-1`, "d2", { qos: 1 });
    await expect.poll(() => cloud.heard.length).toBe(2);
    expect(cloud.texts("park/gw-1")).toEqual(["e1"]);
    expect(cloud.texts("park/gw-2")).toEqual(["d2"]);
  });

  it("lets no gateway speak or listen on topics of another: the broker's rules bind user, client id and topics", async () => {
    const cloud = await listening();
    const [one, two] = [await gateway("gw-1"), await gateway("gw-2")];
    for (const topic of [data("gw-2"), hubTopic(SITE, "gw-2", "events"), STATE, hubTopic(SITE, "gw-1", "commands")])
      await one.publishAsync(topic, "foreign", { qos: 1 });
    const granted = await one.subscribeAsync([hubTopic(SITE, "gw-2", "commands"), "#", `spBv1.0/${SITE}/#`]).then(
      () => "granted",
      () => "refused",
    );
    expect(granted).toBe("refused");
    await two.publishAsync(data("gw-2"), "own", { qos: 1 });
    await expect.poll(() => cloud.heard.map(({ text }) => text)).toEqual(["own"]);
  });

  it("hears nobody whom the site does not have, and counts it", async () => {
    const cloud = await listening();
    const [stranger, one] = [await gateway("gw-3"), await gateway("gw-1")];
    await stranger.publishAsync(birth("gw-3"), "stranger", { qos: 1 });
    await one.publishAsync(data("gw-1"), "known", { qos: 1 });
    await expect.poll(() => cloud.heard.map(({ text }) => text)).toEqual(["known"]);
    expect(cloud.violations.counts.get("unknownNode")).toBe(1);
  });

  it("takes nothing that the broker has kept from the past for new", async () => {
    const one = await gateway();
    await one.publishAsync(birth("gw-1"), "old", { qos: 1, retain: true });
    const cloud = await listening();
    await one.publishAsync(birth("gw-1"), "new", { qos: 1 });
    await expect.poll(() => cloud.heard.map(({ text }) => text)).toEqual(["new"]);
    expect(cloud.violations.counts.get("retainedPublish")).toBe(1);
    await one.publishAsync(birth("gw-1"), "", { qos: 1, retain: true });
  });

  it("begins a new stream with each birth of a gateway, for its connections are hidden", async () => {
    const cloud = await listening();
    const one = await gateway();
    for (const [topic, text] of [
      [birth("gw-1"), "birth"],
      [data("gw-1"), "data"],
      [data("gw-1"), "data"],
      [birth("gw-1"), "birth again"],
      [data("gw-1"), "data"],
    ] as const)
      await one.publishAsync(topic, text, { qos: 1 });
    await expect.poll(() => cloud.heard.length).toBe(5);
    const [a, b, c, d, e] = cloud.heard.map(({ session }) => session);
    expect([a, a, d]).toEqual([b, c, e]);
    expect(d).not.toBe(a);
  });

  it("is where the cloud says online with the time of its will, kept for those who come later, and offline when it goes", async () => {
    const cloud = await listening();
    sayOnline(cloud);
    const seen = await states();
    await expect.poll(() => seen.at(-1)?.online).toBe(true);
    const before = seen.at(-1)?.timestamp ?? 0;
    sayOnline(cloud, false);
    await expect.poll(() => seen.at(-1)?.online).toBe(false);
    expect(seen.at(-1)?.timestamp).toBeGreaterThanOrEqual(before);
    await cloud.broker.close();
    const later = await states();
    await expect.poll(() => later).toMatchObject([{ online: false, retain: true }]);
  });

  it("says offline for a cloud that was cut off, and the cloud takes it back at its next connection", async () => {
    const relay = await openRelay({ target: { host: "127.0.0.1", port: server.port } }, silentLogger);
    const cloud = await listening({ url: cloudUrl(relay) });
    sayOnline(cloud);
    const seen = await states();
    await expect.poll(() => seen.at(-1)?.online).toBe(true);
    const first = seen.at(-1)?.timestamp ?? 0;
    relay.cut("reset");
    await expect.poll(() => seen.at(-1)).toMatchObject({ online: false, timestamp: first });
    await expect.poll(() => cloud.broker.status.ready).toBe(false);
    relay.restore();
    await expect.poll(() => seen.at(-1)?.online).toBe(true);
    expect(seen.at(-1)?.timestamp).toBeGreaterThan(first);
    await cloud.broker.close();
    await relay.close();
  });

  it("is told everything anew after it was killed, by a cloud that kept no secret in what it says of it", async () => {
    const cloud = await listening();
    sayOnline(cloud);
    await server.kill();
    await expect.poll(() => cloud.broker.status.ready).toBe(false);
    expect(cloud.broker.status.detail).not.toContain("password");
    await server.start();
    await expect.poll(() => cloud.broker.status.ready, { timeout: 10_000 }).toBe(true);
    const seen = await states();
    await expect.poll(() => seen).toMatchObject([{ online: true }]);
  });

  it("is told online again when another speaks offline for us", async () => {
    const cloud = await listening();
    sayOnline(cloud);
    const other = await listening();
    sayOnline(other);
    const seen = await states();
    await expect.poll(() => seen.at(-1)?.online).toBe(true);
    const offlines = (): number => seen.filter(({ online }) => !online).length;
    const before = offlines();
    sayOnline(other, false);
    await expect.poll(offlines).toBe(before + 1);
    await expect.poll(() => seen.at(-1)?.online).toBe(true);
    const [offline, online] = [seen.findLast((state) => !state.online), seen.at(-1)];
    expect(online?.timestamp).toBeGreaterThanOrEqual(offline?.timestamp ?? 0);
  });

  it("is told everything retained again after it lost it, also what was said while it was away", async () => {
    const cloud = await listening();
    const config = hubTopic(SITE, "gw-1", "config");
    cloud.broker.publish(config, "version 1", { qos: 1, retain: true });
    await server.kill();
    await expect.poll(() => cloud.broker.status.ready).toBe(false);
    cloud.broker.publish(config, "version 2", { qos: 1, retain: true });
    cloud.broker.publish(hubTopic(SITE, "gw-1", "commands"), "too late", { qos: 1, retain: false });
    await server.start();
    await expect.poll(() => cloud.broker.status.ready, { timeout: 10_000 }).toBe(true);
    const one = await gateway();
    const got: string[] = [];
    one.on("message", (_topic, payload) => got.push(payload.toString()));
    await one.subscribeAsync([config, hubTopic(SITE, "gw-1", "commands")], { qos: 1 });
    await expect.poll(() => got).toEqual(["version 2"]);
  });

  it("counts a gateway as reachable while it is heard on the present connection", async () => {
    const cloud = await listening();
    expect(cloud.broker.isReachable(GW_1)).toBe(false);
    const one = await gateway();
    await one.publishAsync(data("gw-1"), "beat", { qos: 1 });
    await expect.poll(() => cloud.broker.isReachable(GW_1)).toBe(true);
    await server.kill();
    await expect.poll(() => cloud.broker.isReachable(GW_1)).toBe(false);
    expect(cloud.gone).toHaveLength(1);
    await server.start();
    await expect.poll(() => cloud.broker.status.ready, { timeout: 10_000 }).toBe(true);
    expect(cloud.broker.isReachable(GW_1)).toBe(false);
  });

  it("is noticed when it hangs, and used again when it goes on", { timeout: 30_000 }, async () => {
    const cloud = await listening({ keepaliveS: 1 });
    server.signal("SIGSTOP");
    await expect.poll(() => cloud.broker.status.ready, { timeout: 10_000 }).toBe(false);
    server.signal("SIGCONT");
    await expect.poll(() => cloud.broker.status.ready, { timeout: 10_000 }).toBe(true);
    const one = await gateway();
    await one.publishAsync(data("gw-1"), "after", { qos: 1 });
    await expect.poll(() => cloud.texts("park/gw-1")).toEqual(["after"]);
  });

  it("does not hold the end of the cloud up when it hangs", { timeout: 15_000 }, async () => {
    const cloud = await listening();
    server.signal("SIGSTOP");
    sayOnline(cloud, false);
    await cloud.broker.close();
    server.signal("SIGCONT");
    expect(cloud.broker.status).toMatchObject({ ready: false });
  });

  it("keeps each gateway's order while its messages are taken in slowly, and holds up neither another gateway nor events", async () => {
    const cloud = await listening();
    const released: (() => void)[] = [];
    cloud.hold = ({ gateway: of, topic }) =>
      of === GW_1 && topic === data("gw-1") ? new Promise((resolve) => released.push(resolve)) : undefined;
    const [one, two] = [await gateway("gw-1"), await gateway("gw-2")];
    for (let nr = 1; nr <= 50; nr++) await one.publishAsync(data("gw-1"), `${nr}`, { qos: 1 });
    await one.publishAsync(hubTopic(SITE, "gw-1", "events"), "event", { qos: 1 });
    await two.publishAsync(data("gw-2"), "other", { qos: 1 });
    await expect.poll(() => cloud.heard.map(({ text }) => text)).toEqual(["1", "event", "other"]);
    await expect
      .poll(() => {
        released.shift()?.();
        return cloud.heard.filter(({ topic }) => topic === data("gw-1")).map(({ text }) => Number(text));
      })
      .toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(cloud.broker.dropped).toBe(0);
  });

  it("refuses a wrong password without the password appearing anywhere", async () => {
    const cloud = new ListeningCloud(cloudUrl(server, { username: "parkhub", password: "a secret" }));
    clouds.push(cloud);
    cloud.broker.attach(cloud);
    await expect.poll(() => cloud.broker.status.detail).toContain("Not authorized");
    await expect.poll(() => cloud.log.lines.length).toBeGreaterThan(0);
    expect(JSON.stringify(cloud.log.lines) + cloud.broker.status.detail).not.toMatch(/secret|%20/);
  });
});

describe.skipIf(mosquittoProgram() === undefined)("a broker by mqtts", () => {
  it("is used when its certificate is of an authority that is known here, and not before", async ({ skip }) => {
    const folder = mkdtempSync(path.join(tmpdir(), "parkhub-mqtts-"));
    const trusted = getCACertificates("default");
    const tls = selfSigned(folder);
    if (tls === undefined) return skip();
    const secured = await mosquittoOfPark(tls);
    const url = cloudUrl(secured).replace("mqtt:", "mqtts:");
    const cloud = new ListeningCloud(url);
    try {
      cloud.broker.attach(cloud);
      await expect.poll(() => cloud.broker.status.detail).toContain("self-signed certificate");
      setDefaultCACertificates([...trusted, readFileSync(tls.certificate, "utf8")]);
      await expect.poll(() => cloud.broker.status.ready, { timeout: 10_000 }).toBe(true);
    } finally {
      setDefaultCACertificates(trusted);
      await cloud.broker.close();
      await secured.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("the URL of a broker", () => {
  const broker = (url: string) =>
    new ExternalBroker({
      url,
      site: SITE,
      host: HOST,
      knows: () => false,
      violations: new ListeningCloud("mqtt://localhost").violations,
      clock: systemClock,
      logger: silentLogger,
    });

  it("is told without user and password", () => {
    expect(broker("mqtts://me:s%3Acret@broker.example").status.detail).toBe(
      "mqtts://broker.example:8883: not tried yet",
    );
    expect(broker("mqtt://me:secret@[::1]:1999").status.detail).toBe("mqtt://[::1]:1999: not tried yet");
  });

  it.each(["http://me:secret@host", "mqtt:", "me:secret@host", "mqtt://me:%E0secret@host"])(
    "%s is refused without being repeated",
    (url) => {
      expect(() => broker(url)).toThrow(expect.objectContaining({ code: "BROKER_URL" }));
      expect(() => broker(url)).not.toThrow(/secret/);
    },
  );
});
