import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

/** Exit code of a part that was given wrong configuration: starting it again would not help. */
export const EXIT_CONFIG = 2;
const RESTART_MS = 500;
const KILL_AFTER_MS = 8000;
const LOG_CAP_BYTES = 32 * 1024 * 1024;

export interface PartOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly root: string;
  readonly data: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
  /** Told when the part can never run: its configuration is wrong. */
  readonly fail: (code: number) => void;
}

/** One child process of the launcher: kept running, its pid in `run/<name>.pid`, its output in `logs/<name>.log`. */
export class Part {
  readonly #options: PartOptions;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;
  #logFrom = 0;

  constructor(options: PartOptions) {
    this.#options = options;
  }

  /** Was it started, and not stopped? A restart under way counts as running. */
  get running(): boolean {
    return !this.#stopped && (this.#child !== undefined || this.#restart !== undefined);
  }

  start(): void {
    const { name, args, root, data, env } = this.#options;
    this.#restart = undefined;
    this.#stopped = false;
    const log = this.#openLog();
    // A group of its own: Ctrl-C in the terminal reaches the launcher alone, which then stops the parts in order. The channel
    // tells the part when the launcher is gone without having stopped it: it then ends by itself.
    const child = spawn(process.execPath, [...args], {
      cwd: root,
      env,
      stdio: ["ignore", log, log, "ipc"],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    if (child.pid !== undefined) writeFileSync(path.join(data, "run", `${name}.pid`), `${child.pid}\n`);
    child.once("error", (error) => this.#options.say(`${name} cannot be started: ${error.message}`));
    child.once("exit", (code, signal) => this.#exited(code, signal));
  }

  /** Asks it to end, and ends it when it does not. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
    await gone;
    clearTimeout(timer);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const { name, data, say, fail } = this.#options;
    this.#child = undefined;
    rmSync(path.join(data, "run", `${name}.pid`), { force: true });
    if (this.#stopped) return;
    if (code === EXIT_CONFIG) {
      say(`${name} was given wrong configuration:\n${this.#words()}`);
      fail(EXIT_CONFIG);
      return;
    }
    say(`${name} ended (${signal ?? `code ${code}`}); starting it again. Its log: ${this.#logFile}`);
    this.#restart = setTimeout(() => this.start(), RESTART_MS);
  }

  get #logFile(): string {
    return path.join(this.#options.data, "logs", `${this.#options.name}.log`);
  }

  #openLog(): number {
    mkdirSync(path.dirname(this.#logFile), { recursive: true });
    const size = statSync(this.#logFile, { throwIfNoEntry: false })?.size ?? 0;
    if (size > LOG_CAP_BYTES) renameSync(this.#logFile, `${this.#logFile}.1`);
    this.#logFrom = statSync(this.#logFile, { throwIfNoEntry: false })?.size ?? 0;
    return openSync(this.#logFile, "a", 0o600);
  }

  /** What the part has said in plain words since it was started: its log lines are JSON. */
  #words(): string {
    const lines = readFileSync(this.#logFile).subarray(this.#logFrom).toString("utf8").trimEnd().split("\n");
    return lines.filter((line) => !line.startsWith("{")).join("\n");
  }
}
