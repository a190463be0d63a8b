import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "./api-client.ts";

const root = path.resolve(import.meta.dirname, "../..");
export const ADMIN_PASSWORD = "e2e-park-administrator";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Repeats `ask` until it gives something, or fails with the last answer. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const found = await ask();
      if (found !== undefined) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause: last });
}

export type PartName = "cloud" | "gw-1" | "simulators";

/** The whole demo park in processes of its own, as `npm start` runs it, on free ports and a data folder of its own. */
export class Park {
  readonly data: string;
  readonly http: string;
  readonly sim: string;
  readonly mqtt: string;
  readonly output: string[] = [];
  #launcher: ChildProcess | undefined;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(data: string, ports: readonly [number, number, number], env: Readonly<Record<string, string>>) {
    this.data = data;
    this.http = `127.0.0.1:${ports[0]}`;
    this.mqtt = `127.0.0.1:${ports[1]}`;
    this.sim = `127.0.0.1:${ports[2]}`;
    this.#env = env;
  }

  /** Starts and waits until `/readyz` says 200. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<Park> {
    const data = mkdtempSync(path.join(os.tmpdir(), "parkhub-e2e-"));
    const park = new Park(data, [await freePort(), await freePort(), await freePort()], env);
    await park.launch();
    return park;
  }

  /** Starts the launcher (again, on the same data). */
  async launch(): Promise<void> {
    const child = spawn(process.execPath, ["config/deploy/launch.ts"], {
      cwd: root,
      env: {
        ...process.env,
        PARKHUB_DATA: this.data,
        PARKHUB_HTTP: this.http,
        PARKHUB_MQTT: this.mqtt,
        PARKHUB_SIM: this.sim,
        PARKHUB_ADMIN_PASSWORD: ADMIN_PASSWORD,
        ...this.#env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#launcher = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => this.output.push(String(chunk)));
    await until(`the park to be ready\n${this.output.join("")}`, () => this.isReady(), 90_000);
  }

  async isReady(): Promise<true | undefined> {
    if (this.#launcher?.exitCode !== null) throw new Error(`the launcher ended:\n${this.output.join("")}`);
    const response = await fetch(`http://${this.http}/readyz`, { signal: AbortSignal.timeout(2000) });
    return response.status === 200 ? true : undefined;
  }

  /** A client that is signed in as the administrator. */
  signIn(): Promise<ApiClient> {
    return ApiClient.signIn(`http://${this.http}`, "admin", ADMIN_PASSWORD);
  }

  /** Process id of a part, as its pid file says. */
  pid(part: PartName): number {
    return Number(readFileSync(path.join(this.data, "run", `${part}.pid`), "utf8"));
  }

  /** Sends a signal to a part. The launcher starts a killed one again within a second. */
  kill(part: PartName, signal: NodeJS.Signals = "SIGKILL"): number {
    const pid = this.pid(part);
    process.kill(pid, signal);
    return pid;
  }

  /** Plays a scenario of the simulators. */
  async scenario(name: string, params: object = {}): Promise<void> {
    await this.simulator("POST", `/scenarios/${name}`, params);
  }

  /** What the simulated devices hold. */
  simulatorState<T>(device = ""): Promise<T> {
    return this.simulator<T>("GET", device === "" ? "/state" : `/state/${device}`);
  }

  /** Any request to the simulators' control port. */
  async simulator<T>(method: string, url: string, body?: object): Promise<T> {
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const response = await fetch(`http://${this.sim}${url}`, { method, ...init });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** The last lines of a part's log, for a failed test. */
  log(part: PartName, lines = 40): string {
    return readFileSync(path.join(this.data, "logs", `${part}.log`), "utf8")
      .trimEnd()
      .split("\n")
      .slice(-lines)
      .join("\n");
  }

  /** Ctrl-C: resolves with the launcher's exit code when all has stopped. */
  async interrupt(): Promise<number | null> {
    const launcher = this.#launcher;
    if (launcher === undefined || launcher.exitCode !== null) return launcher?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => launcher.once("exit", resolve));
    launcher.kill("SIGINT");
    return gone;
  }

  /** Stops everything and removes the data. */
  async close(): Promise<void> {
    await this.interrupt();
    rmSync(this.data, { recursive: true, force: true });
  }
}
