import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { peer } from "#tests/peers.ts";
import { startBrowser } from "../e2e/browser.ts";
import { until } from "../e2e/park.ts";
import type { BenchResult } from "./bench.ts";
import type { GatewayRequest, GatewayUsage } from "./video-gateway.ts";

const CAMERAS = 10;
const RING_MS = 15_000;
const MEASURE_MS = 10_000;
/** Decoder and connection are at their pace after so long. */
const STARTED_MS = 3_000;
const PICTURES_A_SECOND = 25;

/** 720p at 25 pictures a second and 2 Mbit/s, with a key picture every 2 s. Noise, as of a camera at dusk, makes it need them. */
function makeFilm(file: string): void {
  const ffmpeg = peer("ffmpeg");
  if (ffmpeg === undefined) throw new Error("this bench makes its film with ffmpeg");
  const scene = "testsrc2=size=1280x720:rate=25,noise=alls=14:allf=t";
  const picture = ["-f", "lavfi", "-i", scene, "-frames:v", "250", "-pix_fmt", "yuv420p"];
  const coding = ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "0", "-g", "50"];
  const rate = ["-b:v", "2M", "-maxrate", "2M", "-bufsize", "1M"];
  const made = spawnSync(ffmpeg, ["-v", "error", "-y", ...picture, ...coding, ...rate, "-f", "h264", file]);
  if (made.status !== 0) throw new Error(`ffmpeg: ${made.stderr.toString()}`);
}

/** Decodes what comes and keeps how long each picture took from the gateway to here, ms. */
const PAGE = `<!doctype html><meta charset="utf-8"><canvas id="canvas" width="1280" height="720"></canvas><script>
window.result = { first: null, latencies: [], error: null };
const started = performance.now();
const context = canvas.getContext("2d");
const taken = new Map();
let decoder;
let begun = false;
function decode(message) {
  const view = new DataView(message);
  const key = (view.getUint8(4) & 1) === 1;
  if (!begun && !key) return;
  begun = true;
  const capturedAt = view.getFloat64(8);
  const timestamp = Math.round(capturedAt * 1000);
  taken.set(timestamp, capturedAt);
  decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp, data: new Uint8Array(message, 16) }));
}
function configure(format) {
  decoder = new VideoDecoder({
    output(frame) {
      context.drawImage(frame, 0, 0);
      const now = performance.timeOrigin + performance.now();
      window.result.first ??= performance.now() - started;
      window.result.latencies.push(now - taken.get(frame.timestamp));
      taken.delete(frame.timestamp);
      frame.close();
    },
    error(error) { window.result.error = String(error); },
  });
  const description = Uint8Array.from(atob(format.description), (character) => character.charCodeAt(0));
  decoder.configure({ codec: format.codec, description, optimizeForLatency: true });
}
const socket = new WebSocket("ws://" + location.host + "/live");
socket.binaryType = "arraybuffer";
socket.onmessage = ({ data }) => (typeof data === "string" ? configure(JSON.parse(data).format) : decode(data));
</script>`;

interface PageResult {
  readonly first: number | null;
  readonly latencies: readonly number[];
  readonly error: string | null;
}

/** The cloud's two ends: the gateway's link, and a page for each viewer; what comes on stream 1 goes to the viewer. */
class Relay {
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  link: WebSocket | undefined;
  pictures = 0;

  constructor() {
    let viewer: WebSocket | undefined;
    this.#http = createServer((_request, response) => response.setHeader("content-type", "text/html").end(PAGE));
    this.#http.on("upgrade", (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (opened) => {
        if (request.url === "/live") {
          viewer = opened;
          this.link?.send(JSON.stringify({ t: "play", stream: 1, camera: "bench/gw-1/camera-1", quality: "main" }));
          return;
        }
        this.link = opened;
        opened.on("message", (data: Buffer, binary) => {
          if (!binary) {
            if (data.includes('"stream":1,')) viewer?.send(data.toString("utf8"));
            return;
          }
          this.pictures++;
          if (data.readUInt32BE(0) === 1) viewer?.send(data);
        });
      });
    });
  }

  async listen(): Promise<string> {
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const client of this.#sockets.clients) client.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

async function child<T>(file: string, args: readonly string[]): Promise<{ process: ChildProcess; told: T }> {
  const started = fork(path.join(import.meta.dirname, file), args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [told] = (await once(started, "message")) as [T];
  return { process: started, told };
}

class Gateway {
  readonly #process: ChildProcess;
  constructor(process: ChildProcess) {
    this.#process = process;
  }

  cameras(count: number, ringMs?: number): void {
    this.#say({ t: "cameras", count, ...(ringMs === undefined ? {} : { ringMs }) });
  }

  async usage(): Promise<GatewayUsage> {
    const answer = once(this.#process, "message");
    this.#say({ t: "usage" });
    const [usage] = (await answer) as [GatewayUsage];
    return usage;
  }

  /** Share of one core over the next while. */
  async cpuShare(ms: number): Promise<number> {
    const before = await this.usage();
    const begun = performance.now();
    await sleep(ms);
    const after = await this.usage();
    return (after.cpuUs - before.cpuUs) / 1_000 / (performance.now() - begun);
  }

  #say(request: GatewayRequest): void {
    this.#process.send(request);
  }
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0, 1);
}

async function watch(
  url: string,
  say: (text: string) => void,
): Promise<{ first: number; latencies: readonly number[] }> {
  const browser = await startBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(url);
    await sleep(STARTED_MS);
    const read = (): Promise<PageResult> => page.evaluate("window.result") as Promise<PageResult>;
    const before = await read();
    await sleep(MEASURE_MS);
    const after = await read();
    if (after.error !== null || after.first === null) throw new Error(`the browser decoded nothing: ${after.error}`);
    const latencies = after.latencies.slice(before.latencies.length);
    say(`${latencies.length} pictures decoded in ${MEASURE_MS} ms`);
    return { first: after.first, latencies };
  } finally {
    await browser.close();
  }
}

/** `npm run bench -- video`: ten 720p streams at one gateway, and one of them on its way to a decoder in a browser. */
export async function video(say: (text: string) => void): Promise<BenchResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-bench-"));
  const relay = new Relay();
  const children: ChildProcess[] = [];
  try {
    const film = path.join(folder, "film.h264");
    say("making the film ...");
    makeFilm(film);
    const camera = await child<{ port: number }>("video-camera.ts", [film]);
    children.push(camera.process);
    const url = await relay.listen();
    const started = await child<unknown>("video-gateway.ts", [String(camera.told.port), url]);
    children.push(started.process);
    const gateway = new Gateway(started.process);
    await sleep(1_000);
    const idle = await gateway.usage();
    say("four cameras with rings ...");
    gateway.cameras(4, RING_MS);
    await sleep(RING_MS + 5_000);
    const four = await gateway.usage();
    say(`${CAMERAS} cameras with rings ...`);
    gateway.cameras(CAMERAS, RING_MS);
    await sleep(RING_MS + 2_000);
    const picturesBefore = (await gateway.usage()).counters["pictures"] ?? 0;
    const cpuShare10 = await gateway.cpuShare(MEASURE_MS);
    const ten = await gateway.usage();
    const pictures = (ten.counters["pictures"] ?? 0) - picturesBefore;
    say(`${pictures} pictures of ${(CAMERAS * PICTURES_A_SECOND * MEASURE_MS) / 1_000} pulled; now to a browser ...`);
    await until("the gateway's link", async () => relay.link, 10_000);
    const { first, latencies } = await watch(url, say);
    say(`all ${CAMERAS} streams to the cloud ...`);
    for (let stream = 2; stream <= CAMERAS; stream++)
      relay.link?.send(JSON.stringify({ t: "play", stream, camera: `bench/gw-1/camera-${stream}`, quality: "main" }));
    await sleep(2_000);
    const cpuShare10Live = await gateway.cpuShare(MEASURE_MS);
    const mb = (bytes: number): number => rounded(bytes / 1024 / 1024, 1);
    return {
      figures: {
        firstFrameMs: Math.round(first),
        p50Ms: percentile(latencies, 0.5),
        p95Ms: percentile(latencies, 0.95),
        cpuShare10: rounded(cpuShare10, 3),
        cpuShare10Live: rounded(cpuShare10Live, 3),
        picturesPerS10: rounded((pictures * 1_000) / MEASURE_MS, 1),
        rssMb4: mb(four.rss - idle.rss),
        ringMb4: mb(four.counters["ringBytes"] ?? 0),
        rssMb10: mb(ten.rss - idle.rss),
        ringMb10: mb(ten.counters["ringBytes"] ?? 0),
      },
    };
  } finally {
    for (const one of children) one.kill();
    relay.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
