import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { SignalValue } from "#simulators/device.ts";
import type { DeviceState, ParkState } from "#simulators/park-state.ts";
import type { LogEntry, SignalChange } from "#simulators/recorder.ts";
import { inheritedEnvironment } from "#tests/program.ts";
import { ProductionServers } from "#tests/servers/production.ts";
import { freePort } from "#tests/servers/server.ts";
import { ApiClient } from "./api-client.ts";
import { type SiteChange, seedSite } from "./site.ts";

const root = path.resolve(import.meta.dirname, "../..");
export const ADMIN_PASSWORD = "e2e-park-administrator";

/** Which engines a park runs on: those within the cloud, or the servers of the production profile. */
export type Profile = "embedded" | "production";

/** The profile of every park that names none: `PARKHUB_TEST_PROFILE=production` runs all whole-park tests on servers. */
function defaultProfile(): Profile {
  return process.env["PARKHUB_TEST_PROFILE"] === "production" ? "production" : "embedded";
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
  readonly output: string[] = [];
  #launcher: ChildProcess | undefined;
  readonly #env: Readonly<Record<string, string>>;
  readonly #embeddedMqtt: string;
  #servers: ProductionServers | undefined;
  #admitted = false;

  private constructor(data: string, ports: readonly [number, number, number], env: Readonly<Record<string, string>>) {
    this.data = data;
    this.http = `127.0.0.1:${ports[0]}`;
    this.#embeddedMqtt = `127.0.0.1:${ports[1]}`;
    this.sim = `127.0.0.1:${ports[2]}`;
    this.#env = env;
  }

  /** Address of the broker that gateways come to, host:port. */
  get mqtt(): string {
    return this.#servers?.broker ?? this.#embeddedMqtt;
  }

  /** The servers that it runs on. @throws on the embedded profile */
  get servers(): ProductionServers {
    if (this.#servers === undefined) throw new Error("the park runs on its embedded engines");
    return this.#servers;
  }

  /** Starts and waits until `/readyz` says 200. `site` makes another site of the demo park's. */
  static async start(
    env: Readonly<Record<string, string>> = {},
    profile: Profile = defaultProfile(),
    site?: SiteChange,
  ): Promise<Park> {
    const data = mkdtempSync(path.join(os.tmpdir(), "parkhub-e2e-"));
    const park = new Park(data, [await freePort(), await freePort(), await freePort()], env);
    try {
      if (profile === "production") park.#servers = await ProductionServers.start();
      if (site !== undefined) await seedSite(data, site, park.#servers?.environment["PARKHUB_POSTGRES_URL"]);
      await park.launch();
    } catch (error) {
      await park.close();
      throw error;
    }
    return park;
  }

  /**
   * Runs a launcher that is expected to end by itself, on a data folder of its own unless `env` names another. Gives its exit
   * code and all it said.
   */
  static async refused(
    env: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: number | null; readonly said: string }> {
    const data = mkdtempSync(path.join(os.tmpdir(), "parkhub-e2e-"));
    const park = new Park(data, [await freePort(), await freePort(), await freePort()], env);
    try {
      const launcher = park.#spawn();
      await until("the launcher to end", () => launcher.exitCode ?? undefined, 60_000);
      return { code: launcher.exitCode, said: park.output.join("") };
    } finally {
      await park.close();
    }
  }

  /** Starts the launcher (again, on the same data). */
  async launch(): Promise<void> {
    const launcher = this.#spawn();
    try {
      if (!this.#admitted && this.#servers !== undefined)
        this.#admitted = await this.#servers.admitGateways(this.data, ["gw-1"], () => launcher.exitCode !== null);
      await until("the park to be ready", () => (launcher.exitCode === null ? this.isReady() : true), 90_000);
      if (launcher.exitCode !== null) throw new Error(`the launcher ended with ${launcher.exitCode}`);
    } catch (error) {
      const logs = (["cloud", "gw-1", "simulators"] as const).map((part) => `--- ${part}\n${this.log(part, 15)}`);
      throw new Error(`the park is not ready:\n${[this.output.join("").slice(-3000), ...logs].join("\n")}`, {
        cause: error,
      });
    }
  }

  #spawn(): ChildProcess {
    const child = spawn(process.execPath, ["config/deploy/launch.ts"], {
      cwd: root,
      env: {
        ...inheritedEnvironment(),
        PARKHUB_DATA: this.data,
        PARKHUB_HTTP: this.http,
        PARKHUB_MQTT: this.#embeddedMqtt,
        PARKHUB_SIM: this.sim,
        PARKHUB_ADMIN_PASSWORD: ADMIN_PASSWORD,
        ...this.#servers?.environment,
        ...this.#env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#launcher = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => this.output.push(String(chunk)));
    return child;
  }

  /** True when `/readyz` says 200. Throws when it cannot be asked. */
  async isReady(): Promise<true | undefined> {
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

  /** Process ids of everything that runs for this park: those that its pid files name and, on Linux, all with its data folder in their environment. */
  pids(): readonly number[] {
    const run = path.join(this.data, "run");
    const named = existsSync(run)
      ? readdirSync(run).map((file) => Number.parseInt(readFileSync(path.join(run, file), "utf8"), 10))
      : [];
    const found = process.platform === "linux" ? readdirSync("/proc").filter((name) => this.#belongs(name)) : [];
    return [...new Set([...named, ...found.map(Number)])];
  }

  #belongs(name: string): boolean {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(`PARKHUB_DATA=${this.data}`);
    } catch {
      // Ended meanwhile, or another user's.
      return false;
    }
  }

  /** Sends a signal to a part. The launcher starts a killed one again within a second. */
  kill(part: PartName, signal: NodeJS.Signals = "SIGKILL"): number {
    const pid = this.pid(part);
    process.kill(pid, signal);
    return pid;
  }

  /** Stops or continues the launcher itself, so that a killed part stays dead until it goes on. */
  launcher(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#launcher?.kill(signal);
  }

  /** Plays a scenario of the simulators. */
  async scenario(name: string, params: object = {}): Promise<void> {
    await this.simulator("POST", `/scenarios/${name}`, params);
  }

  /** Ends a scenario before its time and undoes what it did. */
  async endScenario(name: string): Promise<void> {
    await this.simulator("DELETE", `/scenarios/${name}`);
  }

  /** What the simulated devices hold. */
  simulatorState(): Promise<ParkState> {
    return this.simulator("GET", "/state");
  }

  /** What one simulated device holds. */
  device(id: string): Promise<DeviceState> {
    return this.simulator("GET", `/state/${id}`);
  }

  /** Lines of the simulated field's own record after a sequence number, oldest first. */
  async fieldLog(since = 0): Promise<readonly LogEntry[]> {
    return (await this.simulator<{ items: readonly LogEntry[] }>("GET", `/log?since=${since}`)).items;
  }

  /** Values that a simulated signal took at or after a time (Unix ms), oldest first: the field's own record. */
  async changes(device: string, signal: string, since: number): Promise<readonly SignalChange[]> {
    const url = `/devices/${device}/signals/${signal}/changes?since=${since}`;
    return (await this.simulator<{ items: readonly SignalChange[] }>("GET", url)).items;
  }

  /** Lets the wire see a value of a signal whatever the device's physics does, until `release` or the time is over. */
  async hold(device: string, signal: string, value: SignalValue, holdSeconds = 600): Promise<void> {
    await this.simulator("PUT", `/devices/${device}/signals/${signal}`, { value, holdSeconds });
  }

  /** Sets a signal in the device itself, as its detector or its operator would. */
  async set(device: string, signal: string, value: SignalValue): Promise<void> {
    await this.simulator("PUT", `/devices/${device}/signals/${signal}`, { value });
  }

  async release(device: string, signal: string): Promise<void> {
    await this.simulator("DELETE", `/devices/${device}/signals/${signal}/hold`);
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
    const file = path.join(this.data, "logs", `${part}.log`);
    if (!existsSync(file)) return "";
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }

  /** Ctrl-C: resolves with the launcher's exit code when all has stopped. */
  async interrupt(): Promise<number | null> {
    const launcher = this.#launcher;
    if (launcher === undefined || launcher.exitCode !== null || launcher.signalCode !== null)
      return launcher?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => launcher.once("exit", resolve));
    launcher.kill("SIGINT");
    launcher.kill("SIGCONT");
    return gone;
  }

  /** Stops everything and removes the data. */
  async close(): Promise<void> {
    await this.interrupt();
    await this.#servers?.remove();
    rmSync(this.data, { recursive: true, force: true });
  }
}
