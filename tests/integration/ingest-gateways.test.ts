import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hubTopic } from "#core/contracts/topics.ts";
import { newEpoch } from "#core/ids.ts";
import {
  Bench,
  type Cloud,
  eventBatch,
  eventItem,
  GATEWAY,
  SITE,
  serviceFor,
  type WireGateway,
} from "./ingest-park.ts";

let bench: Bench;
let cloud: Cloud;
let gateway: WireGateway;
let epoch = "";

beforeEach(async () => {
  bench = new Bench();
  cloud = await bench.cloud();
  gateway = await bench.gateway(cloud);
  gateway.births();
  epoch = newEpoch();
});
afterEach(() => bench.clear());

const eventsAck = () => gateway.ackedUpTo("events", epoch);

describe("a gateway's presence and report", () => {
  it("comes with its birth and goes with its will", async () => {
    await expect.poll(() => cloud.told.online).toEqual([{ online: true, reason: undefined }]);
    expect(cloud.link.isOnline(GATEWAY)).toBe(true);
    await gateway.drop();
    await expect.poll(() => cloud.told.online.at(-1)).toEqual({ online: false, reason: "death" });
  });

  it("shows the backlog that its heartbeat tells", async () => {
    gateway.heartbeat(1234);
    await expect.poll(() => serviceFor(cloud).get(GATEWAY)?.backlog.telemetry).toBe(1234);
    expect(serviceFor(cloud).list()).toHaveLength(1);
  });

  it("receives commands while it listens, and none when it does not", async () => {
    await expect.poll(() => cloud.link.isOnline(GATEWAY)).toBe(true);
    const command = {
      kind: "write",
      id: "c-1",
      requestedBy: "op",
      fence: 0,
      createdAt: 1,
      expiresAt: 2,
      point: "park/gw-1/ahu-1/fan",
      value: true,
      priority: 8,
    } as const;
    expect(cloud.link.sendCommand(GATEWAY, command)).toBe(true);
    const commands = () => gateway.received.filter(({ topic }) => topic.endsWith("/commands"));
    await expect.poll(() => commands().map(({ text }) => JSON.parse(text) as unknown)).toEqual([command]);
    await gateway.client.unsubscribeAsync(hubTopic(SITE, "gw-1", "commands"));
    expect(cloud.link.sendCommand(GATEWAY, command)).toBe(false);
  });

  it("gets the retained configuration notice after it connects", async () => {
    const notice = { version: 4, sha256: "a".repeat(64), url: "/api/v1/gateways/park%2Fgw-1/bundle" };
    cloud.link.announceConfig(GATEWAY, notice);
    await gateway.drop();
    gateway = await bench.gateway(cloud);
    const notices = () =>
      gateway.received.filter(({ topic }) => topic.endsWith("/config")).map(({ text }) => JSON.parse(text) as unknown);
    await expect.poll(notices).toEqual([notice]);
  });

  it("proves completeness from the store itself: what is missing in the middle is named", async () => {
    gateway.batch(epoch, 1, 10);
    gateway.batch(epoch, 15, 20);
    gateway.batch(epoch, 2, 5);
    gateway.events(eventBatch(epoch, [eventItem(1), eventItem(2)]));
    await expect.poll(eventsAck).toBe(2);
    await expect.poll(async () => (await cloud.store.ranges(GATEWAY)).length).toBe(2);
    const telemetry = { gateway: GATEWAY, lane: "telemetry", epoch } as const;
    await expect.poll(() => cloud.ingest.cursors.get(telemetry)?.duplicates).toBe(4);
    const report = await serviceFor(cloud).completeness(GATEWAY);
    expect(report?.lanes.toSorted((a, b) => a.lane.localeCompare(b.lane))).toEqual([
      { lane: "events", epoch, from: 1, upTo: 2, stored: 2, duplicates: 0, missing: [], gaps: [] },
      {
        lane: "telemetry",
        epoch,
        from: 1,
        upTo: 20,
        stored: 16,
        duplicates: 4,
        missing: [{ from: 11, to: 14 }],
        gaps: [],
      },
    ]);
    expect(await serviceFor(cloud).completeness("park/nobody")).toBeUndefined();
  });
});
