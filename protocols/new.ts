import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

/*
 * `npm run new -- driver <name>`: makes the folder shape of a protocol driver, its contract test and its line in the registry.
 * What it makes type-checks and fails its contract suite until the driver is written: that is the list of work.
 */

/** Kebab-case names of one word that would not be a name in TypeScript, or that the folder itself uses. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    "abstract arguments as async await boolean break case catch class const continue debugger default delete do else enum " +
    "eval export extends false finally for from function get if implements import in instanceof interface let never new null " +
    "number object of package private protected public registry return set static string super switch symbol this throw " +
    "true try type typeof undefined unknown var void while with yield driver"
  ).split(" "),
);

const root = path.resolve(import.meta.dirname, "..");
const [what, name = ""] = process.argv.slice(2);

function end(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

if (what !== "driver") end(`npm run new -- driver <name>: expected "driver", got ${JSON.stringify(what ?? "nothing")}`);
if (!/^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/.test(name) || name.length > 30)
  end(`npm run new -- driver <name>: expected a kebab-case name of at most 30 letters, got ${JSON.stringify(name)}`);
if (RESERVED.has(name)) end(`npm run new -- driver <name>: ${name} is a word of the language or of this folder`);
if (existsSync(path.join(root, "protocols", name))) end(`protocols/${name} is there already`);

const camel = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const pascal = camel.charAt(0).toUpperCase() + camel.slice(1);
const prefix = name.toUpperCase().replaceAll("-", "_");
const checklist = readFileSync(path.join(root, "protocols/checklist.txt"), "utf8").trim().split("\n");

const files: Readonly<Record<string, string>> = {
  [`protocols/${name}/index.ts`]: `import { type Static, Type } from "typebox";
import { defineDriver } from "../driver.ts";

const closed = { additionalProperties: false } as const;

/** The channel's section. */
export const ${pascal}Config = Type.Object(
  {
    timeoutMs: Type.Integer({ minimum: 50, default: 1000, description: "Longest wait for an answer, ms." }),
  },
  closed,
);
export type ${pascal}Config = Static<typeof ${pascal}Config>;

/** Where one device is. */
export const ${pascal}Device = Type.Object(
  {
    host: Type.String({ minLength: 1, description: "Host name or address of the device." }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, description: "Port of the device." }),
  },
  closed,
);
export type ${pascal}Device = Static<typeof ${pascal}Device>;

/** Where one value is. */
export const ${pascal}Address = Type.Object(
  {
    name: Type.String({ minLength: 1, description: "Name of the value in the device." }),
  },
  closed,
);
export type ${pascal}Address = Static<typeof ${pascal}Address>;

/** What it supports is in this folder's README. */
export const ${camel} = defineDriver({
  kind: "${name}",
  config: ${pascal}Config,
  device: ${pascal}Device,
  address: ${pascal}Address,
  actions: [],
  module: new URL("./driver.ts", import.meta.url).href,
  async create(config, deps) {
    const { create } = await import("./driver.ts");
    return create(config, deps);
  },
});
`,
  [`protocols/${name}/driver.ts`]: `import { CommunicationError } from "#core/errors.ts";
import type {
  ActionResult,
  DeviceBinding,
  DriverCounters,
  DriverDeps,
  ProtocolDriver,
  WriteResult,
} from "../driver.ts";
import type { ${pascal}Address, ${pascal}Config, ${pascal}Device } from "./index.ts";

type Binding = DeviceBinding<${pascal}Device, ${pascal}Address>;

/** One ${name} channel. */
export class ${pascal}Driver implements ProtocolDriver<${pascal}Device, ${pascal}Address> {
  readonly #config: ${pascal}Config;
  readonly #deps: DriverDeps;
  #devices: readonly Binding[] = [];

  constructor(config: ${pascal}Config, deps: DriverDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const detail = \`it opens no connection yet (time-out \${this.#config.timeoutMs} ms)\`;
    throw new CommunicationError("${prefix}_START", \`${name}: \${detail}\`);
  }

  async bind(devices: readonly Binding[]): Promise<void> {
    this.#devices = devices;
    const at = this.#deps.clock.now();
    for (const { device } of this.#devices) this.#deps.onDevice({ device, online: false, reason: "commLost", at });
  }

  async write(): Promise<WriteResult> {
    return { status: "rejected", code: "${prefix}_POINT_UNKNOWN", message: "no point is writable" };
  }

  async act(): Promise<ActionResult> {
    return { status: "rejected", code: "ACTION_UNKNOWN", message: "there are no device actions" };
  }

  counters(): DriverCounters {
    return {};
  }

  async stop(): Promise<void> {
    this.#devices = [];
  }
}

/** What a driver thread calls; see \`CreateDriver\`. */
export function create(config: ${pascal}Config, deps: DriverDeps): ${pascal}Driver {
  return new ${pascal}Driver(config, deps);
}
`,
  [`protocols/${name}/README.md`]: `# ${name}

What it supports, with the clauses of the standard.

## Configuration

## Limits

## Checklist

${checklist.map((entry) => `- ${entry}: exempt: the driver is being written`).join("\n")}
`,
  [`tests/contract/${name}.test.ts`]: `import { ${camel} } from "#protocols/${name}/index.ts";
import { type ContractField, driverContract } from "./driver-contract.ts";

async function field(): Promise<ContractField> {
  throw new Error("start two ${name} devices on loopback here and say how to reach them");
}

driverContract(${camel}, field, { writes: false, garbage: true, startFailure: false });
`,
};

const registry = path.join(root, "protocols/registry.ts");
const before = readFileSync(registry, "utf8");
const lines = before.split("\n");
const imports = [
  ...lines.filter((line) => line.startsWith("import ")),
  `import { ${camel} } from "./${name}/index.ts";`,
];
const source = (line: string): string => /from "(.+)"/.exec(line)?.[1] ?? "";
imports.sort((a, b) => (source(a) < source(b) ? -1 : 1));
const LIST = /(const DRIVERS: [^=]+= \[)([^\]]*)\]/;
const rest = lines.filter((line) => !line.startsWith("import ")).join("\n");
if (!LIST.test(rest)) end("protocols/registry.ts has no list DRIVERS to add the driver to");

for (const [file, content] of Object.entries(files)) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), content);
  process.stdout.write(`${file}\n`);
}
const registered = rest.replace(LIST, (_, head: string, list: string) => {
  const entries = list.split(",").map((entry) => entry.trim());
  return `${head}${[...entries.filter((entry) => entry !== ""), camel].join(", ")}]`;
});
writeFileSync(registry, `${imports.join("\n")}\n${registered}`);
process.stdout.write(`protocols/registry.ts

Next: write protocols/${name}/driver.ts until its contract suite passes (npm test -- tests/contract/${name}), put a
simulated server into simulators/servers, prove the wire against an independent peer, and run npm run check.
`);
