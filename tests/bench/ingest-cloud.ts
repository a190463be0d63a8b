import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { EmbeddedBroker } from "#cloud/broker/embedded-broker.ts";
import { Violations } from "#cloud/broker/violations.ts";
import { openDatabase } from "#cloud/db/database.ts";
import { MqttGatewayLink } from "#cloud/ingest/gateway-link.ts";
import { GatewayRows } from "#cloud/ingest/gateway-rows.ts";
import { Ingest } from "#cloud/ingest/ingest.ts";
import { Presence } from "#cloud/ingest/presence.ts";
import { Linkage } from "#cloud/linkage/service.ts";
import { RunStore } from "#cloud/linkage/store.ts";
import { ProcessLiveBus } from "#cloud/live/bus.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { IngestSinks, SiteCatalog } from "#cloud/ports.ts";
import { CurrentState } from "#cloud/state/service.ts";
import type { TelemetryStore } from "#cloud/telemetry-ports.ts";
import { systemClock } from "#core/clock.ts";
import { gatewayId } from "#core/ids.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { Logger } from "#core/logger.ts";
import { silentLogger } from "#core/logger.ts";
import type { Device } from "#core/model/device.ts";
import type { Point } from "#core/model/point.ts";
import type { SampleColumns } from "#core/model/sample-columns.ts";
import {
  BATCH,
  type CloudAnswer,
  type CloudQuestion,
  DEVICE,
  GATEWAYS,
  nameOf,
  POINTS_A_GATEWAY,
  SITE,
} from "./ingest-messages.ts";

/*
 * The process under test: broker, ingest, current values, live bus and the rules of the cloud, as app.ts puts them together,
 * over the store of the embedded mode or over none ("none" as first argument).
 */

/** Below such a share of one processor, looked at so often, the process has nothing to do. */
const IDLE_SHARE = 0.05;
const REST_LOOK_MS = 500;
const REST_MOST_MS = 30_000;

const clock = systemClock;
const logger: Logger = {
  ...silentLogger,
  error: (fields, text) => process.stderr.write(`${text} ${JSON.stringify(fields)}\n`),
};
const folder = mkdtempSync(path.join(tmpdir(), "parkhub-bench-"));
const gateways = Array.from({ length: GATEWAYS }, (_, i) => gatewayId(`${SITE}/gw-${i}`));

/** A site of number points; the first point of every message has a rule of the cloud that waits for it and never fires. */
function siteOf(): Pick<SiteCatalog, keyof SiteCatalog> {
  const devices = gateways.map(
    (gateway): Device => ({
      id: `${gateway}/${DEVICE}`,
      channel: "c",
      protocol: "modbus",
      name: "d",
      nameEn: "d",
      space: SITE,
      kind: "meter",
      config: {},
    }),
  );
  const points = devices.flatMap((device) =>
    Array.from(
      { length: POINTS_A_GATEWAY },
      (_, i): Point => ({
        id: `${device.id}/${nameOf(i)}`,
        name: "p",
        nameEn: "p",
        kind: "number",
        space: SITE,
        tags: [],
        writable: false,
        revision: 1,
        address: {},
      }),
    ),
  );
  const rules = points
    .filter((_, i) => i % BATCH === 0)
    .map(
      ({ id }, i): Rule => ({
        id: `rule-${i}`,
        name: "r",
        nameEn: "r",
        enabled: true,
        when: { type: "point", point: id, operator: "<", value: 0 },
        then: [],
      }),
    );
  const pointById = new Map(points.map((point) => [point.id, point]));
  const deviceById = new Map(devices.map((device) => [device.id, device]));
  const site: Partial<SiteCatalog> = {
    site: SITE,
    timeZone: "UTC",
    points: () => points,
    point: (id) => pointById.get(id),
    devices: () => devices,
    device: (id) => deviceById.get(id),
    rules: () => rules,
    placement: () => ({ place: "cloud", because: "bench" }),
    zones: () => [],
    doors: () => [],
    spaces: () => [],
    onChange: () => undefined,
  };
  return site as SiteCatalog;
}

/** Says at once that everything is stored. */
const NO_STORE: TelemetryStore = {
  write: ({ spans }) => {
    const stored = spans.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    return Promise.resolve({ stored, duplicates: 0 });
  },
  read: () => Promise.resolve([]),
  at: (points) => Promise.resolve(points.map(() => undefined)),
  aggregate: (query) => Promise.resolve(query.points.map(() => [])),
  ranges: () => Promise.resolve([]),
  maintain: () => Promise.resolve(),
  status: { ready: true, pending: 0 },
  close: () => Promise.resolve(),
};

/** Counts what was told to the domains, and how long after its publication the rules had seen the first sample of each message. */
class Meter {
  readonly #late = new Float64Array(4_000_000);
  #lates = 0;
  #samples = 0;
  #since = performance.now();
  #cpu = process.cpuUsage();
  #mainCpu = process.threadCpuUsage();

  take({ number }: SampleColumns, from: number, to: number): void {
    const now = performance.timeOrigin + performance.now();
    this.#samples += to - from;
    for (let row = from; row < to && this.#lates < this.#late.length; row += BATCH)
      this.#late[this.#lates++] = now - (number[row] ?? 0);
  }

  reset(): void {
    this.#lates = 0;
    this.#samples = 0;
    this.#cpu = process.cpuUsage();
    this.#mainCpu = process.threadCpuUsage();
    this.#since = performance.now();
  }

  figures(): CloudAnswer {
    const elapsedMs = performance.now() - this.#since;
    const cpu = process.cpuUsage(this.#cpu);
    const main = process.threadCpuUsage(this.#mainCpu);
    const late = this.#late.slice(0, this.#lates).sort();
    const quantile = (q: number): number | null => late[Math.min(late.length - 1, Math.floor(late.length * q))] ?? null;
    return {
      kind: "figures",
      samples: this.#samples,
      elapsedMs,
      cpuUs: cpu.user + cpu.system,
      mainCpuUs: main.user + main.system,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      rssMb: process.memoryUsage.rss() / 1e6,
    };
  }
}

const points = new PointNumbers();
const db = await openDatabase(path.join(folder, "records.db"), logger);
/** The store of the embedded mode; without one its code is not loaded either. */
async function openStore(): Promise<TelemetryStore> {
  const { EmbeddedTelemetryStore } = await import("#cloud/history/embedded-store.ts");
  return EmbeddedTelemetryStore.open({ file: path.join(folder, "telemetry.db"), points }, logger);
}
const store = process.argv[2] === "none" ? NO_STORE : await openStore();
const broker = await EmbeddedBroker.start({
  host: "127.0.0.1",
  port: 0,
  authenticate: (username) => Promise.resolve(gateways.find((gateway) => gateway === username.replace(":", "/"))),
  violations: new Violations({ clock, logger }),
  logger,
});
const presence = new Presence({ clock, rows: new GatewayRows(db), logger });
const link = new MqttGatewayLink(broker, presence);
const catalog = siteOf();
const bus = new ProcessLiveBus((error) => logger.error({ err: error }, "a live listener failed"));
// As the WebSocket's channels do: the last change of each item waits for the next flush.
const pending = new Map<string, unknown>();
bus.subscribe((change) => pending.set(change.id, change));
const state = new CurrentState({ catalog, points, clock, bus, isOnline: (gateway) => presence.isOnline(gateway) });
const linkage = new Linkage({
  db,
  store: new RunStore(db, () => new Map()),
  catalog,
  points,
  commands: { perform: () => Promise.reject(new Error("no rule fires here")) },
  notices: { take: () => () => undefined },
  sample: (point) => state.sample(point),
  bus,
  onRunOfAlarm: () => undefined,
  clock,
  logger,
});
const meter = new Meter();
const sinks: IngestSinks = {
  onBirth(_gateway, samples) {
    state.takeBirth(samples);
    linkage.takeBirth(samples);
  },
  onSamples(columns, from, to) {
    state.takeRows(columns, from, to);
    linkage.takeRows(columns, from, to);
    meter.take(columns, from, to);
  },
  onItem: () => undefined,
  onGatewayOnline: (gateway) => state.gatewayChanged(gateway),
  onDeviceDead: (device, at) => state.deviceDead(device, at),
};
const watch = { found: () => undefined };
const ingest = new Ingest({ db, store, points, broker, presence, link, sinks, watch, clock, logger, host: "bench" });
ingest.start(gateways);

const answer = (message: CloudAnswer): void => void process.send?.(message);
const flush = setInterval(() => pending.clear(), 200);

/** Waits until a backlog of any thread is worked off: until the whole process is idle for a while. */
async function rest(): Promise<void> {
  const since = performance.now();
  let afterMs = 0;
  for (let share = 1; share > IDLE_SHARE && afterMs < REST_MOST_MS; afterMs = performance.now() - since) {
    const cpu = process.cpuUsage();
    const from = performance.now();
    await new Promise<void>((resolve) => clock.after(REST_LOOK_MS, resolve));
    const { user, system } = process.cpuUsage(cpu);
    share = (user + system) / 1000 / (performance.now() - from);
  }
  answer({ kind: "rested", afterMs });
}

async function stop(): Promise<void> {
  clearInterval(flush);
  await ingest.close();
  await broker.close();
  presence.close();
  await store.close();
  await db.close();
  rmSync(folder, { recursive: true, force: true });
  process.disconnect();
}

process.on("message", (question: CloudQuestion) => {
  if (question === "reset") meter.reset();
  else if (question === "figures") answer(meter.figures());
  else if (question === "rest") void rest();
  else void stop();
});
answer({ kind: "ready", port: broker.port });
