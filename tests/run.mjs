// `npm test [-- files]`: installs what is missing, then runs every test. Plain JavaScript for Node 20.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { ensureInstalled, root, runNode } from "../config/deploy/ensure.mjs";
import { memoryFolder } from "./memory-folder.mjs";

/** Debian packages of the independent peers (tests/peers.ts) and the file that shows each is there. */
const PEER_PACKAGES = {
  chromium: "/usr/bin/chromium",
  ffmpeg: "/usr/bin/ffmpeg",
  "fonts-noto-cjk": "/usr/share/doc/fonts-noto-cjk",
  influxdb: "/usr/bin/influxd",
  mosquitto: "/usr/sbin/mosquitto",
  "onvif-tools": "/usr/bin/onvif-util",
  openssl: "/usr/bin/openssl",
  "postgresql-15": "/usr/lib/postgresql/15/bin/postgres",
  "protobuf-compiler": "/usr/bin/protoc",
  "python3-protobuf": "/usr/lib/python3/dist-packages/google/protobuf",
  "python3-pymodbus": "/usr/lib/python3/dist-packages/pymodbus",
  "python3-serial-asyncio": "/usr/lib/python3/dist-packages/serial_asyncio",
  "redis-server": "/usr/bin/redis-server",
  socat: "/usr/bin/socat",
  tshark: "/usr/bin/tshark",
};

/** As root on Debian or Ubuntu missing peers are installed; elsewhere their tests say that they are skipped. */
function installPeers() {
  const missing = Object.keys(PEER_PACKAGES).filter((name) => !existsSync(PEER_PACKAGES[name]));
  if (missing.length === 0 || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return;
  process.stderr.write(`parkhub: installing test peers: ${missing.join(" ")}\n`);
  const options = {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  };
  spawnSync("apt-get", ["update", "-qq"], options);
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], options);
}

/** Whole-park tests that judge how soon something happens, or whose processes compute all the time: nothing runs beside them. */
const ALONE = [
  "tests/e2e/fire.test.ts",
  "tests/e2e/intrusion.test.ts",
  "tests/e2e/production.test.ts",
  "tests/faults/alarm-timers.test.ts",
  "tests/faults/chaos.test.ts",
  "tests/faults/kill.test.ts",
  "tests/faults/soak.test.ts",
];

/**
 * Everything, in turn, and how many files of it at a time on two cores: most of the time of most of them is waiting. What is
 * `inMemory` keeps its files in memory where there is room.
 */
const PHASES = [
  {
    files: [
      "tests/unit",
      "tests/contract",
      "tests/integration",
      "tests/sparkplug",
      "tests/interop",
      "tests/architecture.test.ts",
      "tests/citations.test.ts",
    ],
    atATime: 4,
    inMemory: true,
  },
  { files: ["tests/e2e", "tests/faults"], without: ALONE, atATime: 2, inMemory: true },
  { files: ALONE, atATime: 1 },
];

/** The whole-park tests once more, on the servers of the production profile: part of a long run. */
const PRODUCTION = { files: ["tests/e2e"], atATime: 1, inMemory: true, profile: "production" };

/** Are all of those servers installed? */
function hasProduction() {
  return ["influxdb", "mosquitto", "postgresql-15", "redis-server"].every((name) => existsSync(PEER_PACKAGES[name]));
}

const args = process.argv.slice(2);
const long = args.includes("--long");
const filters = args.filter((arg) => arg !== "--long");

ensureInstalled();
installPeers();
// What an installation wrote reaches the disk now: the first fsync of a test would stand behind all of it.
if (process.platform === "linux") spawnSync("sync");

const all = [...PHASES, ...(long && hasProduction() ? [PRODUCTION] : [])];
const phases = filters.length > 0 ? [{ files: filters, atATime: 2 }] : all;
const reports = mkdtempSync(path.join(os.tmpdir(), "parkhub-test-"));
const memory = filters.length > 0 ? undefined : memoryFolder();
const files = [];
const faults = [];
let code = 0;
for (const [index, { files: patterns, without = [], atATime, inMemory = false, profile }] of phases.entries()) {
  const report = path.join(reports, `${index}.json`);
  const faultsFile = path.join(reports, `${index}-faults.json`);
  const result = await runNode(
    [
      path.join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--config",
      "tests/vitest.config.ts",
      "--reporter=default",
      "--reporter=json",
      "--reporter=./tests/fault-reporter.mjs",
      `--outputFile.json=${report}`,
      `--maxWorkers=${atATime}`,
      ...without.map((file) => `--exclude=${file}`),
      ...patterns,
    ],
    {
      PARKHUB_FAULTS_FILE: faultsFile,
      ...(inMemory && memory !== undefined ? { TMPDIR: memory } : {}),
      ...(long ? { PARKHUB_TEST_LONG: "1" } : {}),
      ...(profile === undefined ? {} : { PARKHUB_TEST_PROFILE: profile }),
    },
  );
  code ||= result;
  const ended = existsSync(faultsFile)
    ? JSON.parse(readFileSync(faultsFile, "utf8"))
    : { reason: "not ended", faults: [] };
  faults.push(...ended.faults);
  if (result !== 0) faults.push(`${patterns.join(" ")}: ${ended.reason}, exit code ${result}`);
  if (existsSync(report)) files.push(...JSON.parse(readFileSync(report, "utf8")).testResults);
}
rmSync(reports, { recursive: true, force: true });
if (memory !== undefined) rmSync(memory, { recursive: true, force: true });

const count = (status) =>
  files.flatMap((file) => file.assertionResults).filter((test) => status.includes(test.status)).length;
const broken = files.filter(
  (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
).length;
process.stdout.write("\nslowest files\n");
for (const file of files.toSorted((a, b) => b.endTime - b.startTime - (a.endTime - a.startTime)).slice(0, 10))
  process.stdout.write(
    `${((file.endTime - file.startTime) / 1000).toFixed(1).padStart(7)} s  ${path.relative(root, file.name)}\n`,
  );
for (const file of files)
  for (const test of file.assertionResults.filter(({ status }) => status === "failed"))
    faults.push(`${path.relative(root, file.name)}: ${test.fullName}\n${test.failureMessages?.[0] ?? ""}`);
for (const fault of faults) process.stdout.write(`\n${fault}\n`);
process.stdout.write(
  `\n${count(["passed"])} passed, ${count(["failed"]) + broken} failed, ${count(["pending", "skipped", "todo"])} skipped\n`,
);
process.exitCode = code;
