import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Independent programs the tests run against, each with the Debian package that brings it and how to see that it is there. */
const PEERS = {
  chromium: { package: "chromium", file: "/usr/bin/chromium" },
  ffmpeg: { package: "ffmpeg", file: "/usr/bin/ffmpeg" },
  ffprobe: { package: "ffmpeg", file: "/usr/bin/ffprobe" },
  influxd: { package: "influxdb", file: "/usr/bin/influxd" },
  mosquitto: { package: "mosquitto", file: "/usr/sbin/mosquitto" },
  openssl: { package: "openssl", file: "/usr/bin/openssl" },
  "onvif-util": { package: "onvif-tools", file: "/usr/bin/onvif-util" },
  redis: { package: "redis-server", file: "/usr/bin/redis-server" },
  tshark: { package: "tshark", file: "/usr/bin/tshark" },
  protoc: { package: "protobuf-compiler", file: "/usr/bin/protoc" },
  "python3-protobuf": {
    package: "python3-protobuf",
    file: "/usr/bin/python3",
    probe: ["-c", "import google.protobuf"],
  },
  postgres: { package: "postgresql-15", file: "/usr/lib/postgresql/15/bin/postgres" },
  socat: { package: "socat", file: "/usr/bin/socat" },
  pymodbus: { package: "python3-pymodbus", file: "/usr/bin/python3", probe: ["-c", "import pymodbus"] },
} as const satisfies Record<string, { package: string; file: string; probe?: readonly string[] }>;

/** Name of an independent peer. */
export type PeerName = keyof typeof PEERS;

/**
 * Path of an independent peer's program, or undefined where it is not installed. With CI=true a missing one fails the run;
 * otherwise a line on stderr says that its tests are skipped.
 */
export function peer(name: PeerName): string | undefined {
  const entry = PEERS[name];
  const probe = "probe" in entry ? entry.probe : undefined;
  const there = existsSync(entry.file) && (probe === undefined || spawnSync(entry.file, probe).status === 0);
  if (there) return entry.file;
  const line = `peer ${name} is not installed (Debian package ${entry.package})`;
  if (process.env["CI"] === "true") throw new Error(line);
  process.stderr.write(`${line}: its tests are skipped\n`);
  return undefined;
}
