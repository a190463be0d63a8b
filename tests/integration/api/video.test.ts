import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { LiveVideoMessage, VideoFormat, VideoRequest } from "#core/contracts/video.ts";
import { decodeVideoFrame, encodeVideoFrame, type VideoFrame } from "#core/contracts/video-frame.ts";
import { type Ask, headersOf, type ParkApi, parkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

const enc = encodeURIComponent;
const H264: VideoFormat = { mode: "h264", quality: "main", codec: "avc1.42E01E", description: "AQID" };

let park: ParkApi;
let base: string;
let guard: SignedIn;
const sockets: WebSocket[] = [];
beforeEach(async () => {
  park = await parkApi();
  base = (await park.app.listen({ host: "127.0.0.1", port: 0 })).replace("http:", "ws:");
  guard = await park.person("guard", { role: "security", space: "perimeter" });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await park.close();
});

interface Peer<T> {
  readonly socket: WebSocket;
  readonly texts: readonly T[];
  readonly frames: readonly VideoFrame[];
  closed(): number | undefined;
}

/** Opens a WebSocket. Rejects with the HTTP status when the upgrade is refused. */
async function open<T>(path: string, headers: Record<string, string>): Promise<Peer<T>> {
  const socket = new WebSocket(`${base}/api/v1${path}`, { headers });
  sockets.push(socket);
  const [texts, frames]: [T[], VideoFrame[]] = [[], []];
  let code: number | undefined;
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) frames.push(decodeVideoFrame(data));
    else texts.push(JSON.parse(String(data)) as T);
  });
  socket.on("close", (closed) => {
    code = closed;
  });
  await Promise.race([
    once(socket, "open"),
    once(socket, "unexpected-response").then(([, response]) => {
      socket.on("error", () => undefined);
      socket.terminate();
      throw new Error(`refused with ${(response as { statusCode: number }).statusCode}`);
    }),
  ]);
  return { socket, texts, frames, closed: () => code };
}
const watch = (ask: Ask, path = `/cameras/${enc(PARK.camera)}/live?quality=main`) =>
  open<LiveVideoMessage>(path, headersOf(ask));
const gateway = (password = park.gateways.password) => {
  const basic = Buffer.from(`${park.gateways.username}:${password}`).toString("base64");
  return open<VideoRequest>("/gateways/gw-1/video", { authorization: `Basic ${basic}` });
};
const frame = (stream: number, capturedAt: number, bytes = 10) =>
  encodeVideoFrame({ stream, key: true, gap: false, kind: "h264", capturedAt, payload: new Uint8Array(bytes) });

describe("a camera's live video", () => {
  it("goes from the gateway's socket to all pages that watch, and stops when nobody does", async () => {
    const line = await gateway();
    const [a, b] = [await watch({ as: guard }), await watch({ as: guard })];
    await expect.poll(() => line.texts).toEqual([{ t: "play", stream: 1, camera: PARK.camera, quality: "main" }]);
    line.socket.send(JSON.stringify({ t: "format", stream: 1, format: H264 }));
    line.socket.send(frame(1, 1000, 1_500_000));
    for (const page of [a, b]) {
      await expect.poll(() => page.frames.length).toBe(1);
      expect(page.texts).toEqual([{ t: "format", format: H264 }]);
      expect(page.frames[0]).toMatchObject({ stream: 0, key: true, kind: "h264", capturedAt: 1000 });
      expect(page.frames[0]?.payload.length).toBe(1_500_000);
    }
    a.socket.close();
    b.socket.close();
    await expect.poll(() => park.video.counters.viewers).toBe(0);
    park.clock.advance(5000);
    await expect.poll(() => line.texts.at(-1)).toEqual({ t: "stop", stream: 1 });
  });

  it("ends with a code while the gateway is away, and the page may try again", async () => {
    const page = await watch({ as: guard });
    await expect.poll(() => page.closed()).toBe(1000);
    expect(page.texts).toMatchObject([{ t: "ended", code: "VIDEO_GATEWAY_OFFLINE" }]);
    const line = await gateway();
    const again = await watch({ as: guard });
    await expect.poll(() => line.texts).toHaveLength(1);
    line.socket.terminate();
    await expect.poll(() => again.texts).toMatchObject([{ t: "ended", code: "VIDEO_LINK_LOST" }]);
  });

  it("is refused to nobody's sockets, and to pages of another origin", async () => {
    await expect(watch({})).rejects.toThrow("refused with 401");
    await expect(watch({ as: guard, headers: { origin: "https://evil.example" } })).rejects.toThrow("refused with 403");
  });

  it.each([
    ["who may not watch", 4403, "auditor", `/cameras/${enc(PARK.camera)}/live`],
    ["what is no camera", 4404, "viewer", `/cameras/${enc(PARK.ahu)}/live`],
    ["what is not there", 4404, "viewer", "/cameras/unknown/live"],
    ["a quality that is none", 1008, "viewer", `/cameras/${enc(PARK.camera)}/live?quality=best`],
  ] as const)("is closed with a code for %s", async (_what, code, role, path) => {
    const line = await gateway();
    const as = await park.person("somebody", { role, space: PARK.root });
    const page = await watch({ as }, path);
    await expect.poll(() => page.closed()).toBe(code);
    expect([line.texts, park.video.counters.viewers]).toEqual([[], 0]);
  });

  it("of a space that the caller does not see is not there", async () => {
    const as = await park.person("elsewhere", { role: "security", space: "building-a" });
    const page = await watch({ as });
    await expect.poll(() => page.closed()).toBe(4404);
  });

  it("ends with the session, and with the token", async () => {
    await gateway();
    const page = await watch({ as: guard });
    const { token, entry } = park.deps.access.addToken(
      "guard",
      "wall",
      [{ role: "security", space: "perimeter" }],
      null,
      {
        name: "guard",
        grants: [{ role: "security", space: "perimeter" }],
      },
    );
    const wall = await watch({ token });
    await park.ask("DELETE", "/session", { as: guard });
    await expect.poll(() => page.closed()).toBe(4401);
    expect(wall.closed()).toBeUndefined();
    park.deps.access.removeToken("guard", entry.id, { name: "guard", grants: [] });
    park.clock.advance(10_000);
    await expect.poll(() => wall.closed()).toBe(4401);
    await expect.poll(() => park.video.counters.viewers).toBe(0);
  });

  it("is only looked at: a page that speaks is closed", async () => {
    await gateway();
    const page = await watch({ as: guard });
    page.socket.send("hello");
    await expect.poll(() => page.closed()).toBe(1008);
  });
});

describe("a gateway's video line", () => {
  it("opens with the gateway's credential alone", async () => {
    await expect(gateway("wrong")).rejects.toThrow("refused with 401");
    await expect(open("/gateways/gw-1/video", headersOf({ as: guard }))).rejects.toThrow("refused with 401");
    await expect(open("/gateways/gw-1/video", {})).rejects.toThrow("refused with 401");
    expect(park.video.counters.gateways).toBe(0);
  });

  it("gives way to a newer one of the same gateway", async () => {
    const old = await gateway();
    const young = await gateway();
    await expect.poll(() => old.closed()).toBe(1000);
    await watch({ as: guard });
    await expect.poll(() => young.texts).toHaveLength(1);
    expect(park.video.counters.gateways).toBe(1);
  });

  it("is closed when it brings what is no picture, or a message of no bearable size", async () => {
    const line = await gateway();
    line.socket.send(new Uint8Array(5));
    await expect.poll(() => line.closed()).toBe(1008);
    const second = await gateway();
    second.socket.send(new Uint8Array(9 * 1024 * 1024));
    await expect.poll(() => second.closed()).toBe(1009);
    expect(park.video.counters).toMatchObject({ malformed: 1, gateways: 0 });
  });

  it("is dropped when the gateway is dead", async () => {
    const line = await gateway();
    line.socket.pause();
    park.clock.advance(10_000);
    park.clock.advance(10_000);
    await expect.poll(() => park.video.counters.gateways).toBe(0);
  });
});
