import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newEpoch } from "#core/ids.ts";
import { Bench, type Cloud, eventBatch, eventItem, GATEWAY, serviceFor, type WireGateway } from "./ingest-park.ts";

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

describe("what can never be stored", () => {
  it("is shown with its place, its reason and its size, newest first and page by page, and given out as it came", async () => {
    const hologram = { offset: 2, at: 1, kind: "hologram" };
    gateway.events(eventBatch(epoch, [eventItem(1), hologram as never, eventItem(3)]));
    gateway.events("{ not json");
    const service = serviceFor(cloud);
    await expect.poll(() => service.quarantine(GATEWAY, { limit: 10 }).items.length).toBe(2);
    const first = service.quarantine(GATEWAY, { limit: 1, count: true });
    expect([first.total, service.quarantine("park/gw-2", { limit: 1, count: true }).total]).toEqual([2, 0]);
    expect(first.items).toMatchObject([
      { code: "EVENT_BATCH_INVALID", bytes: 10, topic: expect.stringMatching(/events$/) },
    ]);
    expect(first.items[0]).not.toHaveProperty("offset");
    const { nextCursor = "" } = first;
    const second = service.quarantine(GATEWAY, { limit: 1, cursor: nextCursor });
    expect(second).toMatchObject({
      items: [{ lane: "events", epoch, offset: 2, code: "ITEM_KIND_UNKNOWN", reason: 'kind "hologram" is not known' }],
    });
    expect(second.nextCursor).toBeUndefined();
    const row = second.items[0]?.id ?? 0;
    expect(JSON.parse(Buffer.from(service.quarantinedBytes(GATEWAY, row) ?? []).toString())).toEqual(hologram);
    expect(service.quarantinedBytes("park/gw-2", row), "of another gateway").toBeUndefined();
    expect(() => service.quarantine(GATEWAY, { limit: 1, cursor: "nonsense" })).toThrow(
      expect.objectContaining({ code: "CURSOR_INVALID" }),
    );
  });
});
