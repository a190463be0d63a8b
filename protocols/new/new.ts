import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

/*
 * `npm run new -- driver <name>`: makes a protocol driver that works from `template/`: its folder, an echo simulator, its contract
 * test and its line in the registry. All of it type-checks and passes the contract suite; then the real protocol takes its place.
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

/** Where each template goes. */
const FILES: readonly (readonly [string, string])[] = [
  ["index.ts", "protocols/__name__/index.ts"],
  ["config.ts", "protocols/__name__/config.ts"],
  ["vocabulary.ts", "protocols/__name__/vocabulary.ts"],
  ["counters.ts", "protocols/__name__/counters.ts"],
  ["codec/line.ts", "protocols/__name__/codec/line.ts"],
  ["link.ts", "protocols/__name__/link.ts"],
  ["session.ts", "protocols/__name__/session.ts"],
  ["driver.ts", "protocols/__name__/driver.ts"],
  ["README.md", "protocols/__name__/README.md"],
  ["simulator.ts", "simulators/servers/__name__.ts"],
  ["contract.test.ts", "tests/contract/__name__.test.ts"],
];

/** What the generated driver can say of itself; everything else of the checklist is done. */
const EXEMPT: Readonly<Record<string, string>> = {
  discovers: "the protocol is being written",
  subscribes: "it is polled",
  "writes-with-priority": "the protocol knows no priorities",
  "recovers-missed-alarms": "the protocol is being written",
  "golden-frames": "the protocol is being written",
  "independent-peer": "the protocol is being written",
  "docs-clauses": "the protocol is being written",
  "sample-config-runs": "the protocol is being written",
};

const root = path.resolve(import.meta.dirname, "../..");
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

function checklist(): string {
  const entries = readFileSync(path.join(root, "protocols/checklist.txt"), "utf8").trim().split("\n");
  return entries
    .map((entry) => `| ${entry.padEnd(24)} | ${EXEMPT[entry] === undefined ? "done" : `exempt: ${EXEMPT[entry]}`} |`)
    .join("\n");
}

const filled = (text: string): string =>
  text
    .replaceAll("__checklist__", checklist())
    .replaceAll("__name__", name)
    .replaceAll("__camel__", camel)
    .replaceAll("__Pascal__", pascal)
    .replaceAll("__PREFIX__", prefix);

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

for (const [from, to] of FILES) {
  const file = filled(to);
  const content = filled(readFileSync(path.join(import.meta.dirname, "template", `${from}.txt`), "utf8"));
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), content);
  process.stdout.write(`${file}\n`);
}
const registered = rest.replace(LIST, (_, head: string, list: string) => {
  const entries = list.split(",").map((entry) => entry.trim());
  return `${head}${[...entries.filter((entry) => entry !== ""), camel].join(", ")}]`;
});
writeFileSync(registry, `${imports.join("\n")}\n${registered}`);
// how lines are broken and imports are sorted depends on the name
const biome = path.join(root, "node_modules/@biomejs/biome/bin/biome");
const made = [...FILES.map(([, to]) => filled(to)).filter((file) => file.endsWith(".ts")), "protocols/registry.ts"];
const formatted = spawnSync(process.execPath, [biome, "check", "--write", ...made], { cwd: root, encoding: "utf8" });
if (formatted.status !== 0) end(`the driver is made, but the linter is not content:\n${formatted.stderr}`);
process.stdout.write(`protocols/registry.ts

It works against its echo simulator: npx vitest run --config tests/vitest.config.ts tests/contract/${name}.test.ts
Next: put the real protocol into protocols/${name}/codec and link.ts, prove the wire against an independent peer, write the
README's checklist, and run npm run check.
`);
