import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const root = path.resolve(import.meta.dirname, "..");
/** So much of what a program says is kept, characters of each stream; the oldest go. */
const KEPT = 1_000_000;
/** So much of it is shown with a failure, characters of each stream. */
const SHOWN = 3_000;
const LOOK_EVERY_MS = 20;

export interface ProgramOptions {
  /** The repository's root when absent. */
  readonly cwd?: string;
  /** Beside those of the tests, whose own `PARKHUB_` variables are not handed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Node when absent. */
  readonly command?: string;
}

/** The environment without variables of the hub: those of whoever runs the tests are not meant for what is under test. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PARKHUB_")));
}

/** What Linux says of a file below /proc; nothing elsewhere, and nothing of a process that has gone. */
function procText(file: string, wanted: RegExp): string | undefined {
  try {
    return wanted.exec(readFileSync(`/proc/${file}`, "utf8"))?.[1]?.trim();
  } catch {
    return undefined;
  }
}

/** A program in a process of its own, all that it said, and its end. Waiting for it fails at once when it has ended. */
export class Program {
  readonly process: ChildProcess;
  /** Resolves when it has ended and all it said was read: with its exit code, null when a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly #name: string;
  readonly #said = { out: "", err: "" };
  #over = false;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.process = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#keep("out", text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#keep("err", text));
    this.ended = new Promise((resolve) => {
      const over = (code: number | null): void => {
        this.#over = true;
        resolve(code);
      };
      child.once("close", over);
      child.once("error", (error) => {
        this.#keep("err", String(error));
        over(null);
      });
    });
  }

  /** Starts a script of the repository under Node, or another command, with its arguments. */
  static start(args: readonly string[], { cwd = root, env, command }: ProgramOptions = {}): Program {
    const child = spawn(command ?? process.execPath, [...args], {
      cwd,
      env: { ...inheritedEnvironment(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new Program(`${path.basename(command ?? "node")} ${args.map((arg) => path.basename(arg)).join(" ")}`, child);
  }

  /** What it has written to standard output. */
  get out(): string {
    return this.#said.out;
  }
  /** What it has written to standard error. */
  get err(): string {
    return this.#said.err;
  }
  get running(): boolean {
    return !this.#over;
  }

  /**
   * Looks until `look` gives something.
   * @throws when the program has ended or the time is over, with how the program stands and what it said
   */
  async until<T>(what: string, look: () => T | undefined | Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const over = this.#over;
      const found = await look();
      if (found !== undefined) return found;
      if (over || performance.now() > deadline) throw new Error(this.#report(what, timeoutMs));
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** The first whole line of standard output that matches. @throws as `until` does */
  line(wanted: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    const found = (): RegExpExecArray | undefined => {
      for (const line of this.#said.out.split("\n").slice(0, -1)) {
        const match = wanted.exec(line);
        if (match !== null) return match;
      }
      return undefined;
    };
    return this.until(`a line like ${wanted}`, found, timeoutMs);
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** Kills it, stopped or not, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.#over) return;
    this.process.kill("SIGKILL");
    await this.ended;
  }

  #keep(stream: "out" | "err", text: string): void {
    this.#said[stream] = (this.#said[stream] + text).slice(-KEPT);
  }

  #report(what: string, timeoutMs: number): string {
    const { pid, exitCode, signalCode } = this.process;
    const said = (["out", "err"] as const).map(
      (stream) => `--- std${stream}\n${this.#said[stream].slice(-SHOWN) || "(nothing)"}`,
    );
    if (this.#over) {
      const how = exitCode === null ? `signal ${signalCode}` : `code ${exitCode}`;
      return [`${this.#name} ended with ${how} before ${what}`, ...said].join("\n");
    }
    // D stands for a process that waits for the disk
    const state = procText(`${pid}/status`, /^State:(.*)$/m) ?? "unknown";
    const dirty = procText("meminfo", /^Dirty:(.*)$/m);
    const machine = [
      `its state: ${state}`,
      ...(dirty === undefined ? [] : [`not yet on the disk: ${dirty}`]),
      `load: ${procText("loadavg", /^(\S+ \S+ \S+)/) ?? "unknown"}`,
    ];
    return [`waited ${timeoutMs} ms for ${what} from ${this.#name} (${machine.join(", ")})`, ...said].join("\n");
  }
}
