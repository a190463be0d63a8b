import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import type { BacnetStation } from "#protocols/bacnet/station/station.ts";
import { loopbackSocket } from "../contract/bacnet-fixture.ts";
import { workstation } from "../contract/bacnet-server-fixture.ts";

/** Folder with the programs of bacnet-stack (bacserv, bacrp, bacepics ...), built from its sources. */
export const STACK = folderOf("PARKHUB_BACNET_STACK", "bacnet-stack (C)");
/** Folder that holds the Python package bacpypes3. */
export const PYPES = folderOf("PARKHUB_BACPYPES3", "BACpypes3 (Python)");

function folderOf(variable: string, what: string): string | undefined {
  const folder = process.env[variable];
  if (folder === undefined) process.stderr.write(`${variable} is not set: the tests with ${what} are skipped\n`);
  return folder;
}

const PYTHON = "/usr/bin/python3";

/** How long and how often `expect.poll` looks at a peer. */
export const POLL = { timeout: 15_000, interval: 50 };

/** A device of a third party. */
export interface ThirdParty {
  readonly address: { readonly host: string; readonly port: number };
  /** What it has printed. */
  readonly output: () => string;
  close(): Promise<void>;
}

async function freeUdpPort(): Promise<number> {
  const free = await loopbackSocket();
  await free.close();
  return free.port;
}

async function answers(station: BacnetStation, port: number, instance: number): Promise<boolean> {
  const { encodeReadProperty } = await import("#protocols/bacnet/codec/services/property.ts");
  const { signal } = new AbortController();
  const body = encodeReadProperty({ object: { type: 8, instance }, property: PROPERTIES.objectName });
  return (await station.request({ peer: { host: "127.0.0.1", port }, service: 12, body, signal })).kind === "ack";
}

/** Starts a device on a free loopback port, and waits until it answers. It ends with `close`. */
async function started(
  command: (port: number) => { program: string; args: readonly string[]; env: Readonly<Record<string, string>> },
  instance: number,
): Promise<ThirdParty> {
  const port = await freeUdpPort();
  const { program, args, env } = command(port);
  const folder = mkdtempSync(path.join(tmpdir(), "parkhub-bacnet-peer-"));
  const child: ChildProcess = spawn(program, [...args], { cwd: folder, env: { ...process.env, ...env } });
  let printed = "";
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-100_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  child.once("error", (error) => keep(Buffer.from(String(error))));
  const { openStation } = await import("#protocols/bacnet/station/station.ts");
  const { silentLogger } = await import("#core/logger.ts");
  const handlers = { announced: () => {}, asked: () => ({ kind: "reject", reason: 9 }) as const };
  const probe = await openStation(
    { interfaces: [{ host: "127.0.0.1", port: 0 }], apduTimeoutMs: 200, retries: 0 },
    { logger: silentLogger, handlers },
  );
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (let attempt = 0; !(await answers(probe, port, instance)); attempt++) {
      if (attempt > 100 || child.exitCode !== null) throw new Error(`${program} does not answer: ${printed}`);
    }
  } catch (error) {
    await close();
    throw error;
  } finally {
    await probe.close();
  }
  return { address: { host: "127.0.0.1", port }, output: () => printed, close };
}

/** bacserv of bacnet-stack. */
export function startBacserv(folder: string, instance: number): Promise<ThirdParty> {
  return started(
    (port) => ({
      program: path.join(folder, "bacserv"),
      args: [String(instance)],
      env: { BACNET_IFACE: "lo", BACNET_IP_PORT: String(port) },
    }),
    instance,
  );
}

/** Our device on BACpypes3: tests/interop/bacpypes3-device.py. */
export function startBacpypes(folder: string, instance: number, maxApdu = 480): Promise<ThirdParty> {
  return started(
    (port) => ({
      program: PYTHON,
      args: [
        path.join(import.meta.dirname, "bacpypes3-device.py"),
        String(instance),
        `127.0.0.1:${port}`,
        String(maxApdu),
      ],
      env: { PYTHONPATH: folder },
    }),
    instance,
  );
}

/** A router on BACpypes3 to network 200 with device 997 at address 3: tests/interop/bacpypes3-router.py. */
export function startBacpypesRouter(folder: string, instance: number): Promise<ThirdParty> {
  return started(
    (port) => ({
      program: PYTHON,
      args: [path.join(import.meta.dirname, "bacpypes3-router.py"), String(instance), `127.0.0.1:${port}`],
      env: { PYTHONPATH: folder },
    }),
    instance,
  );
}

/** What a client on BACpypes3 saw of a device of ours: tests/interop/bacpypes3-client.py. */
export async function bacpypesClient(folder: string, port: number, instance: number): Promise<unknown> {
  const program = path.join(import.meta.dirname, "bacpypes3-client.py");
  const args = [program, `127.0.0.1:${await freeUdpPort()}`, `127.0.0.1:${port}`, String(instance)];
  const { stdout } = await run(PYTHON, args, { env: { ...process.env, PYTHONPATH: folder }, timeout: 60_000 });
  return JSON.parse(stdout);
}

/** A workstation of ours that talks to it. */
export function workstationOf({ address }: ThirdParty, options: Parameters<typeof workstation>[1] = {}) {
  return workstation({ address }, { retries: 1, ...options });
}

const run = promisify(execFile);

/**
 * Runs a client program of bacnet-stack with a free port of its own, and gives what it printed. It knows where these devices are, as
 * loopback has no broadcast to find them by; a program that listens on is ended after `listenMs`.
 */
export async function stackClient(folder: string, { program, args, devices, listenMs }: StackCall): Promise<string> {
  const own = mkdtempSync(path.join(tmpdir(), "parkhub-bacnet-client-"));
  const port = await freeUdpPort();
  const env = { ...process.env, BACNET_IFACE: "lo", BACNET_IP_PORT: String(port) };
  writeFileSync(path.join(own, "address_cache"), devices.map((device) => `${cacheLine(device)}\n`).join(""));
  try {
    const running = run(path.join(folder, program), [...args], { cwd: own, env, timeout: listenMs ?? 60_000 });
    const { stdout, stderr } = await running.catch((error: { stdout: string; stderr: string; killed?: boolean }) => {
      if (error.killed === true && listenMs !== undefined) return error;
      throw error;
    });
    return `${stdout}${stderr}`;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** A program of bacnet-stack, its arguments, and the devices that it is to know. */
export interface StackCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly devices: readonly { readonly instance: number; readonly port: number }[];
  readonly listenMs?: number;
}

function cacheLine({ instance, port }: StackCall["devices"][number]): string {
  return `${instance} ${macOf(port)} 0 0 1476`;
}

/** A loopback port in the way of writing of bacnet-stack. */
export function macOf(port: number): string {
  return [127, 0, 0, 1, port >> 8, port & 255]
    .map((byte) => byte.toString(16).padStart(2, "0").toUpperCase())
    .join(":");
}
