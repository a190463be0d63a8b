/** A gateway's video alone, in a process of its own, so that its work can be told from that of cameras, cloud and browser. */
import process from "node:process";
import { systemClock } from "#core/clock.ts";
import { deviceId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { Video } from "#edge/video/video.ts";

/** What this process is asked. */
export type GatewayRequest =
  | { readonly t: "cameras"; readonly count: number; readonly ringMs?: number }
  | { readonly t: "usage" };

/** CPU since the start, microseconds, and resident memory, bytes. */
export interface GatewayUsage {
  readonly cpuUs: number;
  readonly rss: number;
  readonly counters: Readonly<Record<string, number>>;
}

const [cameraPort = "", cloudUrl = ""] = process.argv.slice(2);
const video = new Video({
  gateway: "bench/gw-1",
  authorization: "Basic YTpi",
  cloud: () => cloudUrl,
  act: async () => ({ status: "done", data: { uri: `rtsp://127.0.0.1:${cameraPort}/main`, codec: "H264" } }),
  blobs: { add: async () => ({ sha256: "", bytes: 0, contentType: "video/mp4" }) },
  onClip: () => undefined,
  clock: systemClock,
  logger: silentLogger,
});
video.start();

process.on("message", (request: GatewayRequest) => {
  if (request.t === "cameras") {
    const cameras = Array.from({ length: request.count }, (_, index) => deviceId(`bench/gw-1/camera-${index + 1}`));
    const { ringMs } = request;
    video.configure(cameras, new Map(ringMs === undefined ? [] : cameras.map((camera) => [camera, ringMs])));
    return;
  }
  const { user, system } = process.cpuUsage();
  const usage: GatewayUsage = { cpuUs: user + system, rss: process.memoryUsage.rss(), counters: video.counters };
  process.send?.(usage);
});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
