import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CommandStore } from "#cloud/commands/store.ts";
import type { CommandRequest } from "#core/contracts/commands.ts";
import type { CommandResultItem } from "#core/contracts/lanes.ts";
import { HubError } from "#core/errors.ts";
import { DomainBench, type Domains, LI, NOON, WANG } from "../domain-bench.ts";
import { AHU, CAMERA, DOORS, doorPark, GW1, GW2, LABEL, MODE, SETPOINT, TEMPERATURE } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => {
  vi.restoreAllMocks();
  return bench.clear();
});

const write = (fields: Partial<Extract<CommandRequest, { point: string }>> = {}): CommandRequest => ({
  point: SETPOINT,
  value: 22.5,
  ...fields,
});
const result = (id: string, fields: Partial<CommandResultItem["result"]> = {}): CommandResultItem => ({
  offset: 0,
  at: bench.clock.now(),
  kind: "commandResult",
  result: { id, status: "done", finishedAt: bench.clock.now(), ...fields },
});
const audited = (): unknown[] =>
  cloud.audit.list({ limit: 100 }).items.map(({ actor, action, target, result: end }) => [actor, action, target, end]);

describe("what is asked of a point", () => {
  it.each([
    ["an unknown point", write({ point: `${AHU}/none` }), "POINT_UNKNOWN", /no such point/],
    ["a point that is not writable", write({ point: TEMPERATURE }), "POINT_NOT_WRITABLE", /not writable/],
    ["a text for a number", write({ value: "22" }), "VALUE_KIND", /expected a number, got "22"/],
    ["a number for a text", write({ point: LABEL, value: 1 }), "VALUE_KIND", /expected a text, got 1/],
    ["a fraction for an enum", write({ point: MODE, value: 1.5 }), "VALUE_KIND", /expected a whole number, got 1.5/],
    ["a state that is not there", write({ point: MODE, value: 3 }), "VALUE_OUT_OF_RANGE", /one of 1, 2, got 3/],
    ["too little", write({ value: 4.9 }), "VALUE_OUT_OF_RANGE", /at least 5, at most 40, got 4.9/],
    ["too much", write({ value: 41 }), "VALUE_OUT_OF_RANGE", /at least 5, at most 40, got 41/],
    ["an unknown device", { device: "park/gw-1/none", action: "snapshot" }, "DEVICE_UNKNOWN", /no such device/],
    [
      "an unknown action",
      { device: CAMERA, action: "wipe" },
      "ACTION_UNKNOWN",
      /one of ptzPreset, snapshot, doorControl, discover, got wipe/,
    ],
    ["an action of another protocol", { device: AHU, action: "snapshot" }, "ACTION_UNKNOWN", /no action at all/],
  ] as const)("is refused for %s, and the refusal is audited", (_what, request, code, message) => {
    expect(() => cloud.commands.request(request, LI)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
    expect(cloud.link.sent).toEqual([]);
    const target = "point" in request ? request.point : request.device;
    expect(audited()).toEqual([["li.wei", "point" in request ? "command.write" : "command.action", target, "refused"]]);
  });

  it("may be null, which gives the point back, whatever its kind", () => {
    expect(cloud.commands.request(write({ value: null }), LI)).toMatchObject({ value: null, status: "sent" });
  });
});

describe("a command", () => {
  it("reaches the gateway of its point with id, fence, expiry and default priority", () => {
    const view = cloud.commands.request(write({ reason: "too warm" }), LI);
    expect(view).toMatchObject({ status: "sent", requestedBy: "li.wei", expiresAt: "2026-11-22T04:00:30.000Z" });
    expect(cloud.link.sent).toEqual([
      {
        gateway: GW1,
        command: {
          id: view.id,
          kind: "write",
          point: SETPOINT,
          value: 22.5,
          priority: 8,
          requestedBy: "li.wei",
          reason: "too warm",
          fence: 1,
          createdAt: NOON,
          expiresAt: NOON + 30_000,
        },
      },
    ]);
  });

  it("takes the point's own priority before the default, and the request's before that", () => {
    expect(cloud.commands.request(write({ point: LABEL, value: "a" }), LI).priority).toBe(10);
    expect(cloud.commands.request(write({ point: LABEL, value: "a", priority: 3 }), LI).priority).toBe(3);
  });

  it("ends as the gateway says, with what was read back, and both ends are audited", () => {
    const { id } = cloud.commands.request(write(), LI);
    bench.clock.advance(200);
    cloud.item(GW1, result(id, { readBack: 22.5 }));
    expect(cloud.commands.get(id)).toMatchObject({
      status: "done",
      readBack: 22.5,
      finishedAt: "2026-11-22T04:00:00.200Z",
    });
    expect(audited()).toEqual([
      [GW1, "command.result", SETPOINT, "ok"],
      ["li.wei", "command.write", SETPOINT, "ok"],
    ]);
  });

  it("shows why the gateway rejected it", () => {
    const { id } = cloud.commands.request(write(), LI);
    cloud.item(GW1, result(id, { status: "rejected", code: "WRITE_DENIED", message: "locked by hand" }));
    expect(cloud.commands.get(id)).toMatchObject({
      status: "rejected",
      code: "WRITE_DENIED",
      message: "locked by hand",
    });
  });

  it("is never ended by another gateway", () => {
    const { id } = cloud.commands.request(write(), LI);
    expect(() => cloud.item(GW2, result(id))).toThrow(expect.objectContaining({ code: "COMMAND_RESULT_FOREIGN" }));
    expect(cloud.commands.get(id)?.status).toBe("sent");
  });

  it("acts once under one key of one person, and a different wish under that key is refused", () => {
    const first = cloud.commands.request(write({ idempotencyKey: "k" }), LI);
    expect(cloud.commands.request(write({ idempotencyKey: "k" }), LI).id).toBe(first.id);
    expect(cloud.commands.request(write({ idempotencyKey: "k" }), WANG).id).not.toBe(first.id);
    expect(() => cloud.commands.request(write({ idempotencyKey: "k", value: 23 }), LI)).toThrow(
      expect.objectContaining({ code: "IDEMPOTENCY_CONFLICT" }),
    );
    expect(cloud.link.sent).toHaveLength(2);
  });

  it("is sent again under the same id until its result comes, and not afterwards", () => {
    const { id } = cloud.commands.request(write(), LI);
    bench.clock.advance(11_000);
    expect(cloud.link.sent.map(({ command }) => command.id)).toEqual([id, id, id]);
    cloud.item(GW1, result(id));
    bench.clock.advance(60_000);
    expect(cloud.link.sent).toHaveLength(3);
  });

  it("times out when no result comes before its expiry; a late one is still recorded, with a note", () => {
    const { id } = cloud.commands.request(write({ expiresInMs: 1000 }), LI);
    bench.clock.advance(3000);
    expect(cloud.commands.get(id)).toMatchObject({ status: "timeout", code: "COMMAND_NO_RESULT" });
    cloud.item(GW1, result(id, { readBack: 22.5 }));
    const late = cloud.commands.get(id);
    expect(late).toMatchObject({
      status: "done",
      readBack: 22.5,
      message: expect.stringMatching(/after the time limit/),
    });
    expect(late?.code).toBeUndefined();
  });

  it("keeps its first result when the gateway tells two", () => {
    const { id } = cloud.commands.request(write(), LI);
    cloud.item(GW1, result(id));
    cloud.item(GW1, result(id, { status: "failed", code: "LATER" }));
    expect(cloud.commands.get(id)?.status).toBe("done");
  });
});

describe("a command for a gateway that is away", () => {
  beforeEach(() => cloud.presence(GW1, false, NOON));

  it("waits and is sent when the gateway comes back in time", () => {
    const { id, status } = cloud.commands.request(write(), LI);
    expect(status).toBe("pending");
    bench.clock.advance(10_000);
    cloud.presence(GW1, true, bench.clock.now());
    expect(cloud.commands.get(id)?.status).toBe("sent");
    expect(cloud.link.sent.map(({ command }) => command.id)).toEqual([id]);
  });

  it("expires and is never sent when the gateway comes back too late", () => {
    const { id } = cloud.commands.request(write(), LI);
    bench.clock.advance(31_500);
    expect(cloud.commands.get(id)).toMatchObject({ status: "expired", code: "COMMAND_GATEWAY_OFFLINE" });
    cloud.presence(GW1, true, bench.clock.now());
    expect(cloud.link.sent).toEqual([]);
  });
});

describe("a gateway that comes back in the moment after an expiry", () => {
  it("is not sent what has just expired", () => {
    cloud.presence(GW1, false, NOON);
    cloud.commands.request(write({ expiresInMs: 1200 }), LI);
    bench.clock.advance(1500);
    cloud.presence(GW1, true, bench.clock.now());
    bench.clock.advance(1000);
    expect(cloud.link.sent).toEqual([]);
  });
});

describe("a restart of the cloud", () => {
  it("goes on with what was open: sends it, and times it out", async () => {
    cloud.presence(GW1, false, NOON);
    const waiting = cloud.commands.request(write(), LI).id;
    const lost = cloud.commands.request(write({ expiresInMs: 5000 }), LI).id;
    cloud = await bench.restart(cloud);
    bench.clock.advance(6500);
    expect(cloud.commands.get(lost)?.status).toBe("expired");
    cloud.presence(GW1, true, bench.clock.now());
    expect(cloud.link.sent.map(({ command }) => command.id)).toEqual([waiting]);
  });
});

describe("an order of the hub itself", () => {
  it("ends with the gateway's result", async () => {
    const end = cloud.commands.perform({ request: { device: CAMERA, action: "snapshot" }, requestedBy: "rule:r" });
    const [sent] = cloud.link.sent;
    cloud.item(GW1, result(sent?.command.id ?? ""));
    await expect(end).resolves.toMatchObject({ status: "done", requestedBy: "rule:r" });
  });

  it("ends at its expiry when nothing comes", async () => {
    const request = { device: CAMERA, action: "snapshot", expiresInMs: 2000 };
    const end = cloud.commands.perform({ request, requestedBy: "rule:r" });
    bench.clock.advance(4000);
    await expect(end).resolves.toMatchObject({ status: "timeout" });
  });

  describe("that is quiet, while the records are in trouble,", () => {
    const order = {
      request: { device: CAMERA, action: "snapshot", expiresInMs: 8000 },
      requestedBy: "li.wei",
      quiet: true,
    } as const;
    const busy = (): never => {
      throw new HubError("DB_BUSY", "busy", { retriable: true });
    };

    it("is told to who waits although it cannot be removed yet, and is removed later", async () => {
      vi.spyOn(CommandStore.prototype, "remove").mockImplementationOnce(busy).mockImplementationOnce(busy);
      const end = cloud.commands.perform(order);
      const id = cloud.link.sent[0]?.command.id ?? "";
      cloud.item(GW1, result(id));
      await expect(end).resolves.toMatchObject({ id, status: "done" });
      expect(cloud.commands.get(id)?.status).toBe("done");
      bench.clock.advance(2000);
      expect(cloud.commands.get(id)).toBeUndefined();
    });

    it("is told a moment later where its end cannot be read", async () => {
      const { get } = CommandStore.prototype;
      const end = cloud.commands.perform(order);
      const id = cloud.link.sent[0]?.command.id ?? "";
      vi.spyOn(CommandStore.prototype, "get")
        .mockImplementationOnce(function (this: CommandStore, one) {
          return get.call(this, one);
        })
        .mockImplementationOnce(busy);
      cloud.item(GW1, result(id));
      bench.clock.advance(1000);
      await expect(end).resolves.toMatchObject({ id, status: "done" });
      expect(cloud.commands.get(id)).toBeUndefined();
    });

    it("leaves no trace when nobody came to wait for it", async () => {
      vi.spyOn(CommandStore.prototype, "get").mockImplementationOnce(busy);
      await expect(cloud.commands.perform(order)).rejects.toMatchObject({ code: "DB_BUSY" });
      const id = cloud.link.sent[0]?.command.id ?? "";
      expect(cloud.commands.get(id)?.status).toBe("sent");
      cloud.item(GW1, result(id));
      expect(cloud.commands.get(id)).toBeUndefined();
    });
  });

  it.each([
    ["has ended", "done", (id: string) => cloud.item(GW1, result(id))],
    ["had no result", "timeout", () => bench.clock.advance(12_000)],
  ] as const)("that is quiet leaves no trace once it %s", async (_what, status, ends) => {
    const before = audited();
    const request = { device: CAMERA, action: "snapshot", expiresInMs: 8000 };
    const end = cloud.commands.perform({ request, requestedBy: "li.wei", quiet: true });
    const id = cloud.link.sent[0]?.command.id ?? "";
    expect(cloud.commands.get(id)?.status).toBe("sent");
    ends(id);
    await expect(end).resolves.toMatchObject({ id, status });
    expect(cloud.commands.get(id)).toBeUndefined();
    expect(audited()).toEqual(before);
    // a result that comes after all is nobody's any more
    expect(() => cloud.item(GW1, result(id))).not.toThrow();
  });

  it("is refused like anybody's when it makes no sense", async () => {
    const order = { request: write({ value: 99 }), requestedBy: "rule:r" };
    await expect(cloud.commands.perform(order)).rejects.toMatchObject({ code: "VALUE_OUT_OF_RANGE" });
  });
});

describe("what is asked of a channel as a whole", () => {
  const CHANNEL = "park/gw-1/opcua";
  beforeEach(async () => {
    await bench.clear();
    bench = new DomainBench();
    cloud = await bench.open(doorPark());
  });

  it.each(["discover", "trustCertificate", "rejectCertificate"])("may be %s, and goes to its gateway", (action) => {
    const params = { thumbprint: "a".repeat(40) };
    cloud.commands.request({ device: CHANNEL, action, params }, LI);
    expect(cloud.link.sent).toMatchObject([
      { gateway: GW1, command: { kind: "action", device: CHANNEL, action, params } },
    ]);
  });

  it.each([
    ["an action on devices", { device: CHANNEL, action: "callMethod" }, "ACTION_UNKNOWN", /channel .* got callMethod/],
    ["a channel that is not there", { device: "park/gw-1/onvif", action: "discover" }, "DEVICE_UNKNOWN", /no such/],
    ["trusting at a device", { device: CAMERA, action: "trustCertificate" }, "ACTION_UNKNOWN", /device/],
    ["a clip of what is no camera", { device: DOORS, action: "recordClip" }, "ACTION_UNKNOWN", /device/],
  ] as const)("is refused for %s", (_what, request, code, message) => {
    expect(() => cloud.commands.request(request, LI)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it("may be a clip of a camera, whatever its driver can", () => {
    const params = { beforeMs: 1000, afterMs: 2000 };
    cloud.commands.request({ device: CAMERA, action: "recordClip", params }, LI);
    expect(cloud.link.sent).toMatchObject([{ command: { action: "recordClip", params } }]);
  });
});

describe("what a command produced", () => {
  const SHA = "f".repeat(64);
  it("is told by its address, and kept as a result", () => {
    const { id } = cloud.commands.request({ device: CAMERA, action: "discover" }, LI);
    cloud.item(GW1, result(id, { blob: SHA }));
    expect(cloud.commands.get(id)?.blob).toBe(`/api/v1/blobs/${SHA}`);
    expect(cloud.commands.blobs.usesOf([SHA, "0".repeat(64)])).toEqual([{ sha256: SHA, class: "result", held: false }]);
    expect(cloud.commands.producersOf(SHA)).toEqual([CAMERA]);
  });

  it("is a picture's own affair when it is a picture", () => {
    const { id } = cloud.commands.request({ device: CAMERA, action: "snapshot" }, LI);
    cloud.item(GW1, result(id, { blob: SHA }));
    expect(cloud.commands.get(id)?.blob).toBe(`/api/v1/blobs/${SHA}`);
    expect([cloud.commands.blobs.usesOf([SHA]), cloud.commands.producersOf(SHA)]).toEqual([[], []]);
  });

  it("is told to who waits for the command's end", async () => {
    const ended = cloud.commands.perform({ request: { device: CAMERA, action: "snapshot" }, requestedBy: "li.wei" });
    const id = cloud.link.sent[0]?.command.id ?? "";
    cloud.item(GW1, result(id, { blob: SHA }));
    expect(await ended).toMatchObject({ status: "done", blob: `/api/v1/blobs/${SHA}` });
  });
});
