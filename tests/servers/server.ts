import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";

export { freePort } from "../free-port.ts";

/** How to run a server program of a peer. */
export interface ServerProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Some servers refuse to run as root: user and group id to run as instead. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Working folder; the server's own folder when absent. */
  readonly cwd?: string;
  /** Loopback port that accepts connections when it is ready. */
  readonly port: number;
  /** A deeper look than an accepted connection. */
  readonly ready?: () => Promise<boolean>;
  /** Signal of an orderly end. */
  readonly stopSignal?: NodeJS.Signals;
}

/** A new folder of its own for a server. */
export function serverFolder(name: string): string {
  return mkdtempSync(path.join(os.tmpdir(), `parkhub-${name}-`));
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return await new Promise((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
  }).then((answer) => {
    socket.destroy();
    return answer === true;
  });
}

/** A real server on loopback, for tests: started, killed, started again on the same port and data, stopped, cleaned up. */
export class TestServer {
  readonly port: number;
  readonly folder: string;
  readonly #program: ServerProgram;
  #process: ChildProcess | undefined;
  #output = "";

  private constructor(program: ServerProgram, folder: string) {
    this.#program = program;
    this.port = program.port;
    this.folder = folder;
  }

  /** Starts the program and waits until it is ready. `folder` is removed by `remove`. */
  static async start(program: ServerProgram, folder: string): Promise<TestServer> {
    const server = new TestServer(program, folder);
    await server.start();
    return server;
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it again on the same port and data. */
  async start(): Promise<void> {
    const { command, args, env, user, cwd, name, ready } = this.#program;
    const child = spawn(command, [...args], {
      cwd: cwd ?? this.folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...user,
    });
    this.#process = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-4000);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.once("error", (error) => keep(Buffer.from(String(error))));
    const deadline = performance.now() + 60_000;
    for (;;) {
      if ((await accepts(this.port)) && (ready === undefined || (await ready()))) return;
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`${name} did not start on port ${this.port}: ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** Sends a signal: SIGSTOP and SIGCONT hang it and let it go on. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it in an orderly way. */
  async stop(): Promise<void> {
    await this.#end(this.#program.stopSignal ?? "SIGTERM");
  }

  /** Kills it and removes its folder. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGCONT");
    child.kill(signal);
    await ended;
  }
}
