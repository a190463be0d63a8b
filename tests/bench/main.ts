import os from "node:os";
import process from "node:process";
import type { Bench } from "./bench.ts";

/** Every bench by name: `npm run bench -- <name>`. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  start: async () => (await import("./start.ts")).start,
  alarms: async () => (await import("./alarms.ts")).alarms,
  "alarm-quality": async () => (await import("./alarm-quality.ts")).alarmQuality,
  records: async () => (await import("./records.ts")).records,
  ingest: async () => (await import("./ingest.ts")).ingest,
  codec: async () => (await import("./codec.ts")).codec,
  history: async () => (await import("./history.ts")).history,
  influx: async () => (await import("./influx.ts")).influx,
  outbox: async () => (await import("./outbox.ts")).outbox,
  chaos: async () => (await import("./chaos.ts")).chaos,
  soak: async () => (await import("./soak.ts")).soak,
  opcua: async () => (await import("./opcua.ts")).opcuaBench,
  video: async () => (await import("./video.ts")).video,
  modbus: async () => (await import("./modbus.ts")).modbus,
  bacnet: async () => (await import("./bacnet.ts")).bacnet,
};

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const [name = "", ...others] = process.argv.slice(2);
/** Those that take options read them themselves. */
const WITH_OPTIONS = new Set(["chaos", "soak"]);
const load =
  Object.hasOwn(BENCHES, name) && (others.length === 0 || WITH_OPTIONS.has(name)) ? BENCHES[name] : undefined;
if (load === undefined) {
  say(
    `npm run bench -- <name>: expected one of ${Object.keys(BENCHES).join(", ")}, got "${[name, ...others].join(" ")}"`,
  );
  process.exitCode = 2;
} else {
  const bench = await load();
  const result = await bench(say);
  const machine = { cpus: os.availableParallelism(), node: process.version, platform: process.platform };
  process.stdout.write(`${JSON.stringify({ bench: name, ...result, machine })}\n`);
}
