import { spawnSync } from "node:child_process";
import { chownSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { Client } from "pg";
import { freePort, serverFolder, TestServer } from "./server.ts";

/** It stands in URLs; tests look that it stands in no log line. */
export const POSTGRES_PASSWORD = "not-in-any-log";
const USER = "parkhub";
const PATIENCE_MS = 30_000;
/** `nobody`: PostgreSQL refuses to run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** A real PostgreSQL server on a free loopback port. */
export interface PostgresServer {
  readonly server: TestServer;
  /** URL of its database. */
  readonly url: string;
  /** Makes an empty schema and gives the URL that works in it. */
  schema(): Promise<string>;
  /** Runs SQL beside whoever uses it. */
  query(sql: string, parameters?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

export interface PostgresOptions {
  /** Does COMMIT reach the disk? Only where the disk itself is what is tested or measured. */
  readonly fsync?: boolean;
}

function initialise(bin: string, folder: string, user: typeof NOBODY | undefined): void {
  const secret = path.join(folder, "password");
  writeFileSync(secret, POSTGRES_PASSWORD, { mode: 0o600 });
  if (user !== undefined) for (const file of [folder, secret]) chownSync(file, user.uid, user.gid);
  const result = spawnSync(
    path.join(bin, "initdb"),
    [
      ...["-D", path.join(folder, "data"), "-U", USER, "-A", "scram-sha-256", `--pwfile=${secret}`],
      ...["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
    ],
    { ...user, cwd: folder, encoding: "utf8", env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" } },
  );
  if (result.status !== 0) throw new Error(`initdb failed: ${result.stderr}`);
}

/** The children of a killed server hold its memory for a moment longer: as systemd does, it is started until it stays. */
async function startPatiently(start: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await start();
      return;
    } catch (error) {
      if (!String(error).includes("shared memory block") || performance.now() > deadline) throw error;
    }
  }
}

/** Starts one. `program`: what `peer("postgres")` gives. Ends and goes with `server.remove()`. */
export async function startPostgres(program: string, { fsync = false }: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = serverFolder("postgres");
  const user = process.getuid?.() === 0 ? NOBODY : undefined;
  try {
    initialise(path.dirname(program), folder, user);
    const port = await freePort();
    const settings = {
      listen_addresses: "127.0.0.1",
      port: String(port),
      unix_socket_directories: "",
      fsync: fsync ? "on" : "off",
      shared_buffers: "32MB",
      // in its folder, which goes with it: a killed server leaves what it has in the machine's shared memory behind
      dynamic_shared_memory_type: "mmap",
      max_connections: "50",
    };
    const url = `postgres://${USER}:${POSTGRES_PASSWORD}@127.0.0.1:${port}/postgres`;
    const query = async (sql: string, parameters: readonly unknown[] = []) => {
      const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
      client.on("error", () => undefined); // the server may be killed under it
      try {
        await client.connect();
        return (await client.query<Record<string, unknown>>(sql, [...parameters])).rows;
      } finally {
        await client.end().catch(() => undefined);
      }
    };
    const server = await TestServer.start(
      {
        name: "postgres",
        command: program,
        args: [
          ...["-D", path.join(folder, "data")],
          ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
        ],
        ...(user === undefined ? {} : { user }),
        port,
        ready: () =>
          query("select 1").then(
            () => true,
            () => false,
          ),
        stopSignal: "SIGINT",
      },
      folder,
    );
    const start = server.start.bind(server);
    Object.assign(server, { start: () => startPatiently(start) });
    let schemas = 0;
    const schema = async (): Promise<string> => {
      const name = `t${process.pid}_${++schemas}`;
      await query(`create schema ${name}`);
      return `${url}?options=${encodeURIComponent(`-c search_path=${name}`)}`;
    };
    return { server, url, schema, query };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
