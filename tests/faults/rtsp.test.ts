import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import process from "node:process";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import type { VideoFailure } from "#edge/video/picture.ts";
import { RtspSource } from "#edge/video/rtsp-source.ts";
import { filmStrip, interleaved } from "../unit/edge/video/film-strip.ts";
import { describe as description, response, ScriptedCamera } from "../unit/edge/video/scripted-camera.ts";

const SEED = Number(process.env["PARKHUB_TEST_SEED"] ?? Date.now() % 1_000_000);
const RUNS = process.env["PARKHUB_TEST_LONG"] === "1" ? 2_000 : 60;
const FILM = filmStrip("baseline-320x180.h264");
const MB = 1024 * 1024;
/** An attempt may take so long: three answers of 300 ms, and no picture for 500 ms. */
const LONGEST_MS = 4_000;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Attempt {
  readonly counts: Record<string, number>;
  pictures: number;
  readonly ended: Promise<VideoFailure>;
  readonly failures: VideoFailure[];
  readonly source: RtspSource;
}

function attempt(uri: string): Attempt {
  const counts: Record<string, number> = {};
  const failures: VideoFailure[] = [];
  const { promise, resolve } = Promise.withResolvers<VideoFailure>();
  const source = new RtspSource({
    codec: "H264",
    target: { uri, credential: { username: "admin", password: "pw" } },
    clock: systemClock,
    count: (name, by = 1) => {
      counts[name] = (counts[name] ?? 0) + by;
    },
    times: { silenceMs: 500, noKeyMs: 1_000 },
    rtspTimes: { answerMs: 300 },
    onFormat: () => undefined,
    onPicture: () => {
      made.pictures++;
    },
    onEnd: (failure) => {
      failures.push(failure);
      resolve(failure);
    },
  });
  const made: Attempt = { counts, failures, pictures: 0, ended: promise, source };
  open.push({ close: () => source.stop() });
  source.start();
  return made;
}

/** A server of which each connection is a test's own. */
async function server(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const listening: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  });
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  open.push({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      listening.close();
    },
  });
  return `rtsp://127.0.0.1:${(listening.address() as AddressInfo).port}/main`;
}

/** Writes a text byte by byte. */
function slowly(socket: Socket, bytes: Buffer, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at >= bytes.length || socket.destroyed) clearInterval(timer);
    else socket.write(bytes.subarray(at, ++at));
  }, everyMs);
  socket.on("close", () => clearInterval(timer));
}

async function camera(changes: Parameters<typeof ScriptedCamera.start>[1] = {}): Promise<ScriptedCamera> {
  const started = await ScriptedCamera.start(FILM, changes);
  open.push(started);
  return started;
}

/** How much the memory of this process has grown at most while something is done, MB. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 10);
  await work();
  clearInterval(timer);
  return (most - before) / MB;
}

describe("an attempt at a stream ends", () => {
  it("when the answer comes a byte at a time (slowloris), as a whole answer has one time", async () => {
    const sdp = description({ film: FILM, sprop: true });
    const source = await camera({
      answer: ({ method, cseq }, socket) => {
        if (method !== "DESCRIBE") return undefined;
        slowly(socket, Buffer.from(response(200, { CSeq: cseq, "Content-Length": String(sdp.length) }, sdp)), 20);
        return "";
      },
    });
    const { ended } = attempt(source.uri());
    expect(await ended).toMatchObject({ code: "RTSP_TIMEOUT", retriable: true });
    await expect.poll(() => source.connections).toBe(0);
  });

  it("when pictures begin to come a byte at a time", async () => {
    let playing: Socket | undefined;
    const source = await camera({
      answer: (_request, socket) => {
        playing = socket;
        return undefined;
      },
    });
    const one = attempt(source.uri());
    await expect.poll(() => one.pictures).toBeGreaterThan(3);
    source.script.packets = () => [];
    if (playing !== undefined) slowly(playing, interleaved(0, Buffer.alloc(60_000)), 20);
    expect(await one.ended).toMatchObject({ code: "RTSP_SILENT" });
  });

  it.each([
    ["no word at all", (): void => undefined, "RTSP_TIMEOUT"],
    ["a closed connection", (socket: Socket) => socket.end(), "RTSP_CLOSED"],
    ["a reset connection", (socket: Socket) => socket.resetAndDestroy(), "ECONNRESET"],
    ["another protocol", (socket: Socket) => socket.write("HTTP/1.1 200 OK\r\n\r\n"), "RTSP_MALFORMED"],
  ] as const)("at %s", async (_, serve, code) => {
    const { ended, failures } = attempt(await server((socket) => void serve(socket)));
    expect((await ended).code).toBe(code);
    expect(failures).toHaveLength(1);
  });

  it.each([
    ["a redirection to another host", response(302, { CSeq: "1", Location: "rtsp://192.0.2.1/x" }), "RTSP_REFUSED"],
    [
      "a demand for a password again and again",
      response(401, { CSeq: "1", "WWW-Authenticate": 'Digest realm="a", nonce="b", stale=true' }),
      "RTSP_UNAUTHORIZED",
    ],
    ["no such stream", response(404, { CSeq: "1" }), "RTSP_NOT_FOUND"],
    ["a description without video", response(200, { CSeq: "1", "Content-Length": "4" }, "v=0\n"), "RTSP_SDP_MALFORMED"],
    ["a description without end", response(200, { CSeq: "1", "Content-Length": "99999999" }), "RTSP_TOO_LARGE"],
  ] as const)("at %s", async (_, text, code) => {
    const source = await camera({
      answer: ({ method, cseq }) => (method === "DESCRIBE" ? text.replace("CSeq: 1", `CSeq: ${cseq}`) : undefined),
    });
    expect((await attempt(source.uri()).ended).code).toBe(code);
    expect(source.count("DESCRIBE")).toBeLessThanOrEqual(3);
  });

  it("at an address in the description that would break up the request", async () => {
    const sdp = description({ film: FILM, sprop: true }).replace("track1", "track1 RTSP/1.0 Evil: 1");
    const source = await camera({
      answer: ({ method, cseq }) =>
        method === "DESCRIBE" ? response(200, { CSeq: cseq, "Content-Length": String(sdp.length) }, sdp) : undefined,
    });
    expect((await attempt(source.uri()).ended).code).toBe("RTSP_MALFORMED");
  });

  it("whatever a server answers, once and in time", async () => {
    process.stderr.write(`rtsp seed ${SEED} (PARKHUB_TEST_SEED repeats it)\n`);
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          response(200, { CSeq: "1", Session: "1" }),
          response(200, { CSeq: "2", "Content-Length": "3" }, "v=0"),
          response(401, { CSeq: "1", "WWW-Authenticate": 'Digest nonce="1", realm="2"' }),
          "RTSP/1.0 100 Continue\r\n\r\n",
          "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
          "RTSP/1.0 200 OK\r\nContent-Length: 7",
          "\r\n\r\n",
        )
        .map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => interleaved(0, Buffer.from(bytes))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 6 }), fc.boolean(), async (script, closes) => {
        const uri = await server((socket) => {
          let next = 0;
          socket.on("data", () => {
            const piece = script[next++];
            if (piece !== undefined) socket.write(piece);
            else if (closes) socket.end();
          });
        });
        const begun = performance.now();
        const { ended, failures } = attempt(uri);
        await ended;
        expect(performance.now() - begun).toBeLessThan(LONGEST_MS);
        expect(failures).toHaveLength(1);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  }, 600_000);
});

describe("the memory of the gateway is flat", () => {
  it.each([
    ["of no meaning", Buffer.alloc(MB, 0xa5)],
    ["of a header without end", Buffer.from(`RTSP/1.0 200 OK\r\nX: ${"x".repeat(MB)}`)],
    ["of header lines without end", Buffer.from(`RTSP/1.0 200 OK\r\n${"a: b\r\n".repeat(170_000)}`)],
  ] as const)("under 50 MB %s, which it does not even read", async (_, bytes) => {
    let sent = 0;
    const uri = await server((socket) => {
      const fill = (): void => {
        while (sent < 50 * MB && !socket.destroyed) {
          sent += bytes.length;
          if (!socket.write(bytes)) return;
        }
      };
      socket.on("drain", fill);
      fill();
    });
    const grown = await growth(async () => {
      expect((await attempt(uri).ended).code).toMatch(/^RTSP_(MALFORMED|TOO_LARGE)$/);
    });
    expect(sent).toBeLessThan(20 * MB);
    expect(grown).toBeLessThan(40);
  });

  it("under 50 MB of frames that are no pictures, which it counts", async () => {
    const garbage = [
      interleaved(0, Buffer.alloc(60_000, 0x5a)),
      // the first part of a unit that never ends
      interleaved(0, Buffer.concat([Buffer.from("80600001000000010000abcd7c85", "hex"), Buffer.alloc(60_000, 1)])),
      interleaved(0, Buffer.concat([Buffer.from("80600002000000010000abcd7c05", "hex"), Buffer.alloc(60_000, 1)])),
      interleaved(77, Buffer.alloc(60_000)),
      interleaved(1, Buffer.alloc(60_000, 0x80)),
    ];
    let sent = 0;
    const source = await camera({
      packets: () => [],
      answer: ({ method, cseq }, socket) => {
        if (method !== "PLAY") return undefined;
        const fill = (): void => {
          while (sent < 50 * MB && !socket.destroyed) {
            for (const frame of garbage) socket.write(frame);
            sent += 300_000;
            if (socket.writableNeedDrain) return;
          }
        };
        socket.on("drain", fill);
        socket.write(response(200, { CSeq: cseq, Session: "7" }));
        fill();
        return "";
      },
    });
    let one: Attempt | undefined;
    const grown = await growth(async () => {
      one = attempt(source.uri());
      expect((await one.ended).code).toMatch(/^RTSP_(SILENT|NO_KEY_PICTURE)$/);
    });
    expect(sent).toBeGreaterThanOrEqual(50 * MB);
    expect(one?.pictures).toBe(0);
    expect(one?.counts["malformedPackets"]).toBeGreaterThan(100);
    expect(grown).toBeLessThan(60);
  });

  it("when the camera asks and asks, and never reads the answers", async () => {
    const asking = Buffer.from("OPTIONS * RTSP/1.0\r\n\r\n".repeat(10_000));
    const source = await camera({
      answer: ({ method, cseq }, socket) => {
        if (method !== "PLAY") return undefined;
        const fill = (): void => {
          while (!socket.destroyed && socket.write(asking)) {}
        };
        socket.on("drain", fill);
        socket.write(response(200, { CSeq: cseq, Session: "7" }));
        socket.pause();
        setImmediate(fill);
        return "";
      },
    });
    const grown = await growth(async () => {
      expect((await attempt(source.uri()).ended).code).toBe("RTSP_UNREAD");
    });
    expect(grown).toBeLessThan(40);
  });
});
