import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

/*
 * `npm run new -- driver <name>`: makes the folder shape of a protocol driver, its contract test and its line in the registry.
 * What it makes type-checks and fails its contract suite until the driver is written: that is the list of work.
 */

const root = path.resolve(import.meta.dirname, "..");
const [what, name = ""] = process.argv.slice(2);

function end(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

if (what !== "driver") end(`npm run new -- driver <name>: expected "driver", got ${JSON.stringify(what ?? "nothing")}`);
if (!/^[a-z][a-z0-9-]{1,30}$/.test(name))
  end(`npm run new -- driver <name>: expected a kebab-case name, got ${JSON.stringify(name)}`);
if (existsSync(path.join(root, "protocols", name))) end(`protocols/${name} is there already`);

const camel = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const pascal = camel.charAt(0).toUpperCase() + camel.slice(1);
const prefix = name.toUpperCase().replaceAll("-", "_");
const checklist = readFileSync(path.join(root, "protocols/checklist.txt"), "utf8").trim().split("\n");

const files: Readonly<Record<string, string>> = {
  [`protocols/${name}/index.ts`]: `import { Type } from "typebox";
import { defineDriver } from "#protocols/driver.ts";

const closed = { additionalProperties: false } as const;

export default defineDriver({
  kind: "${name}",
  config: Type.Object({ timeoutMs: Type.Integer({ minimum: 50, default: 1000, description: "Longest wait for an answer, ms." }) }, closed),
  device: Type.Object({ host: Type.String({ description: "Address of the device." }), port: Type.Integer({ minimum: 1, maximum: 65535 }) }, closed),
  address: Type.Object({ name: Type.String({ description: "Name of the value in the device." }) }, closed),
  actions: [],
  create: async (config, deps) => new (await import("./driver.ts")).${pascal}Driver(config, deps),
});
`,
  [`protocols/${name}/driver.ts`]: `import { CommunicationError } from "#core/errors.ts";
import type { ActionResult, DeviceBinding, DriverCounters, DriverDeps, ProtocolDriver, WriteResult } from "#protocols/driver.ts";

interface Config {
  readonly timeoutMs: number;
}
interface DeviceConfig {
  readonly host: string;
  readonly port: number;
}
interface Address {
  readonly name: string;
}

/** One ${name} channel. */
export class ${pascal}Driver implements ProtocolDriver<DeviceConfig, Address> {
  readonly #config: Config;
  readonly #deps: DriverDeps;
  #devices: readonly DeviceBinding<DeviceConfig, Address>[] = [];

  constructor(config: Config, deps: DriverDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  async start(): Promise<void> {
    throw new CommunicationError("${prefix}_START", \`the ${name} driver opens no connection (time-out \${this.#config.timeoutMs} ms)\`);
  }

  async bind(devices: readonly DeviceBinding<DeviceConfig, Address>[]): Promise<void> {
    this.#devices = devices;
    const at = this.#deps.clock.now();
    for (const { device } of this.#devices) this.#deps.onDevice({ device, online: false, reason: "commLost", at });
  }

  async write(): Promise<WriteResult> {
    return { status: "rejected", code: "${prefix}_POINT_UNKNOWN", message: "no point is writable" };
  }

  async act(): Promise<ActionResult> {
    return { status: "rejected", code: "ACTION_UNKNOWN", message: "${name} has no device actions" };
  }

  counters(): DriverCounters {
    return {};
  }

  async stop(): Promise<void> {
    this.#devices = [];
  }
}
`,
  [`protocols/${name}/README.md`]: `# ${name}

What it supports, with the clauses of the standard.

## Configuration

## Limits

## Checklist
${checklist.map((entry) => `- ${entry}: exempt: the driver is being written`).join("\n")}
`,
  [`tests/contract/${name}.test.ts`]: `import descriptor from "#protocols/${name}/index.ts";
import { driverContract } from "./driver-contract.ts";

driverContract(descriptor, async () => {
  throw new Error("start a ${name} device on loopback here and say how to reach it");
});
`,
};

for (const [file, content] of Object.entries(files)) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), content);
  process.stdout.write(`${file}\n`);
}

const registry = path.join(root, "protocols/registry.ts");
const text = readFileSync(registry, "utf8")
  .replace(/(?=import type \{ DriverDescriptor \})/, `import ${camel} from "./${name}/index.ts";\n`)
  .replace(/(const DRIVERS[^[]*\[[^\]]*\] = \[)([^\]]*)\]/, (_, head: string, list: string) => {
    const entries = list
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "");
    return `${head}${[...entries, camel].join(", ")}]`;
  });
writeFileSync(registry, text);
process.stdout.write(
  "protocols/registry.ts\n\nNext: write protocols/NAME/driver.ts until its contract suite passes (npx vitest run tests/contract), put a simulated server in\nsimulators/servers, prove the wire against an independent peer, and run npx biome check --write protocols tests.\n".replace(
    "NAME",
    name,
  ),
);
