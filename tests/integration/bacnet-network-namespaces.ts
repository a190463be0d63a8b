import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Order, Part, Told } from "./bacnet-network-process.ts";

const PROGRAM = path.resolve(import.meta.dirname, "bacnet-network-process.ts");

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** True where this process may make network namespaces; otherwise a line says that the tests are skipped. */
export function mayMakeNamespaces(): boolean {
  const name = `parkhub-probe-${process.pid}`;
  try {
    ip("netns", "add", name);
    ip("netns", "del", name);
    return true;
  } catch {
    process.stderr.write(
      "network namespaces cannot be made here (they need root and iproute2): their tests are skipped\n",
    );
    return false;
  }
}

/** Several IP subnets 10.77.<n>.0/24 on one machine, routed among each other but for broadcasts; nothing of them is seen outside. */
export class Namespaces {
  readonly #prefix = `parkhub-${process.pid}`;
  readonly #names: string[] = [];
  #links = 0;

  /** Lays the subnets out. */
  constructor(subnets: readonly number[]) {
    const router = this.#add("router");
    for (const subnet of subnets) {
      ip("-n", router, "link", "add", `br${subnet}`, "type", "bridge");
      ip("-n", router, "link", "set", `br${subnet}`, "up");
      ip("-n", router, "addr", "add", `10.77.${subnet}.254/24`, "brd", "+", "dev", `br${subnet}`);
    }
    execFileSync("ip", ["netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  }

  /** A host in these subnets, at 10.77.<subnet>.<number> of each. */
  host(name: string, number: number, subnets: readonly number[]): string {
    const host = this.#add(name);
    for (const subnet of subnets) {
      const [inside, outside] = [`eth${subnet}`, `v${this.#links++}`];
      ip("link", "add", inside, "netns", host, "type", "veth", "peer", "name", outside, "netns", this.#name("router"));
      ip("-n", host, "addr", "add", `10.77.${subnet}.${number}/24`, "brd", "+", "dev", inside);
      ip("-n", host, "link", "set", inside, "up");
      ip("-n", this.#name("router"), "link", "set", outside, "master", `br${subnet}`);
      ip("-n", this.#name("router"), "link", "set", outside, "up");
    }
    ip("-n", host, "route", "add", "default", "via", `10.77.${subnets[0]}.254`);
    return host;
  }

  close(): void {
    for (const name of this.#names.splice(0).reverse()) ip("netns", "del", name);
  }

  #add(name: string): string {
    const full = this.#name(name);
    ip("netns", "add", full);
    this.#names.push(full);
    ip("-n", full, "link", "set", "lo", "up");
    return full;
  }

  #name(name: string): string {
    return `${this.#prefix}-${name}`;
  }
}

/** A process of ours in a namespace. */
export class Member {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: ((value: unknown) => void)[] = [];
  readonly #ready: Promise<void>;
  /** What was announced to it. */
  readonly announced: Extract<Told, { told: "announced" }>[] = [];

  constructor(namespace: string, part: Part) {
    const command = [process.execPath, PROGRAM, JSON.stringify(part)];
    this.#child = spawn("ip", ["netns", "exec", namespace, ...command], { stdio: "pipe" });
    const problems: Buffer[] = [];
    this.#child.stderr.on("data", (chunk: Buffer) => void problems.push(chunk));
    this.#ready = new Promise((resolve, reject) => {
      this.#child.once("exit", (code) =>
        reject(new Error(`ended with ${code}: ${Buffer.concat(problems).toString()}`)),
      );
      createInterface({ input: this.#child.stdout }).on("line", (line) => {
        const told = JSON.parse(line) as Told;
        if (told.told === "ready") resolve();
        else if (told.told === "announced") this.announced.push(told);
        else this.#answers.shift()?.(told.value);
      });
    });
  }

  /** Resolves once its ports are open. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Has an order performed. */
  perform(order: Order): Promise<unknown> {
    return new Promise((resolve) => {
      this.#answers.push(resolve);
      this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.stdin.end();
    await ended;
  }
}
