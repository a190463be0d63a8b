import { writeFileSync } from "node:fs";
import path from "node:path";
import { peer } from "#tests/peers.ts";
import { freePort, serverFolder, TestServer } from "./server.ts";

/** How an InfluxDB of a test differs from one with its own defaults. */
export interface InfluxSettings {
  /** Ask for user and password. */
  readonly auth?: boolean;
  /** Largest body of a write, bytes. */
  readonly maxBodySize?: number;
  /** Most values of one tag; the server's own limit is 100,000. 0: none. */
  readonly maxValuesPerTag?: number;
  /** Folder for its data instead of one of its own: a small file system, for instance. Not removed with the server. */
  readonly dataFolder?: string;
  /** How soon a quiet memory is written out as compressed files, such as `1s`. */
  readonly snapshotAfter?: string;
}

/** What a deployment runs before every start of its InfluxDB. */
const SEAL_WAL = path.resolve(import.meta.dirname, "../../config/deploy/influxdb/seal-wal.sh");

/** The path of influxd, or undefined (with a line that says so) where it is not installed. */
export const influxProgram = (): string | undefined => peer("influxd");

function configuration(folder: string, port: number, rpcPort: number, settings: InfluxSettings): string {
  const data = settings.dataFolder ?? folder;
  return `
reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
dir = "${data}/meta"
logging-enabled = false
[data]
dir = "${data}/data"
wal-dir = "${data}/wal"
query-log-enabled = false
max-values-per-tag = ${settings.maxValuesPerTag ?? 0}
max-series-per-database = 0
cache-snapshot-write-cold-duration = "${settings.snapshotAfter ?? "10m"}"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
auth-enabled = ${settings.auth === true}
max-body-size = ${settings.maxBodySize ?? 25_000_000}
[continuous_queries]
log-enabled = false
[logging]
level = "warn"
`;
}

/** Does it answer /ping? It accepts connections while it still reads its log. */
async function answersPing(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/ping`, { signal: AbortSignal.timeout(1000) })).status < 300;
  } catch {
    return false;
  }
}

/** An influxd of its own on a free loopback port, started as a deployment starts it. @throws when it is not installed */
export async function startInflux(settings: InfluxSettings = {}): Promise<TestServer> {
  const command = influxProgram();
  if (command === undefined) throw new Error("influxd is not installed");
  const folder = serverFolder("influxd");
  const port = await freePort();
  const file = path.join(folder, "influxdb.conf");
  writeFileSync(file, configuration(folder, port, await freePort(), settings));
  const wal = path.join(settings.dataFolder ?? folder, "wal");
  const args = ["-c", 'sh "$1" "$2" && exec "$3" -config "$4"', "influxd", SEAL_WAL, wal, command, file];
  const program = { name: "influxd", command: "/bin/sh", args, port, ready: () => answersPing(port) };
  return await TestServer.start(program, folder);
}

/** URL of a database on a started InfluxDB, as `PARKHUB_INFLUX_URL` takes it. */
export const influxUrl = ({ port }: Pick<TestServer, "port">, database: string, credentials = ""): string =>
  `http://${credentials}127.0.0.1:${port}/${database}`;

/** One InfluxQL statement, read or write, past every part of ours: the rows of its first series. @throws what the server refuses */
export async function influxQuery(
  { port }: Pick<TestServer, "port">,
  database: string,
  q: string,
): Promise<readonly (readonly unknown[])[]> {
  const body = new URLSearchParams({ db: database, q, epoch: "ms" });
  const answer = await fetch(`http://127.0.0.1:${port}/query`, { method: "POST", body });
  const { results, error } = (await answer.json()) as {
    results?: { error?: string; series?: { values: unknown[][] }[] }[];
    error?: string;
  };
  const problem = error ?? results?.[0]?.error;
  if (problem !== undefined) throw new Error(problem);
  return results?.[0]?.series?.[0]?.values ?? [];
}
