import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(path.join(root, file)));
const sources = tracked.filter((file) => /\.(ts|tsx|mjs|css)$/.test(file));
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

/** Who may import whom. A folder may always import itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ["core"],
  protocols: ["core"],
  edge: ["core", "config", "protocols"],
  cloud: ["core", "config"],
  simulators: ["core", "config"],
  tests: ["core", "config", "protocols", "edge", "cloud", "simulators", "tests"],
};

interface Import {
  readonly from: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): readonly Import[] {
  const pattern =
    /(?:^|\n)\s*(import|export)(\s+type)?\b[^;'"]*?from\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;
  // What stands in a template is text that is written elsewhere, no import of this file.
  return [
    ...read(file)
      .replaceAll(/`[^`]*`/g, "``")
      .matchAll(pattern),
  ].map((match) => ({
    from: file,
    target: match[3] ?? match[4] ?? "",
    typeOnly: match[2] !== undefined,
  }));
}

const imports = sources.filter((file) => /\.tsx?$/.test(file)).flatMap(importsOf);

function resolved({ from, target }: Import): string | undefined {
  if (target.startsWith("#")) return target.slice(1);
  if (target.startsWith(".")) return path.posix.normalize(path.posix.join(path.posix.dirname(from), target));
  return undefined;
}

/** Exceptions to the table, each with its reason in docs/architecture.md. */
function excepted(from: string, to: string, typeOnly: boolean): boolean {
  if (from === "cloud/app.ts") return to === "protocols/registry.ts" || (typeOnly && to === "protocols/driver.ts");
  if (from.startsWith("simulators/")) return /^protocols\/[^/]+\/(codec|station|server)\//.test(to);
  return false;
}

it("lets each folder import only what the house allows", () => {
  const wrong = imports.flatMap((one) => {
    const to = resolved(one);
    const [source = ""] = one.from.split("/");
    const allowed = ALLOWED[source];
    if (to === undefined || allowed === undefined) return [];
    const [target = ""] = to.split("/");
    const fine = target === source || allowed.includes(target) || excepted(one.from, to, one.typeOnly);
    return fine ? [] : [`${one.from} imports ${one.target}`];
  });
  expect(wrong).toEqual([]);
});

it("crosses folders only by #folder/ paths", () => {
  const wrong = imports.filter(
    (one) => one.target.startsWith(".") && resolved(one)?.split("/", 1)[0] !== one.from.split("/", 1)[0],
  );
  expect(wrong.map((one) => `${one.from} imports ${one.target}`)).toEqual([]);
});

it("keeps core pure: no platform module and no package but typebox, and CEL where expressions are read", () => {
  const wrong = imports.filter(
    (one) =>
      one.from.startsWith("core/") &&
      !/^(\.|#core\/|typebox(\/|$))/.test(one.target) &&
      !(one.from === "core/alarm/expression.ts" && one.target === "@marcbachmann/cel-js"),
  );
  expect(wrong.map((one) => `${one.from} imports ${one.target}`)).toEqual([]);
});

it("keeps the protocols apart from each other", () => {
  const wrong = imports.filter((one) => {
    const to = resolved(one)?.split("/") ?? [];
    const from = one.from.split("/");
    return from[0] === "protocols" && from.length > 2 && to[0] === "protocols" && to.length > 2 && to[1] !== from[1];
  });
  expect(wrong.map((one) => `${one.from} imports ${one.target}`)).toEqual([]);
});

it("lets the console take only types from the cloud", () => {
  const wrong = imports.filter((one) => {
    const to = resolved(one) ?? "";
    if (!one.from.startsWith("cloud/console/") || !to.startsWith("cloud/") || to.startsWith("cloud/console/"))
      return false;
    return !(one.typeOnly && to.startsWith("cloud/api/routes/"));
  });
  expect(wrong.map((one) => `${one.from} imports ${one.target}`)).toEqual([]);
});

it("keeps the cloud's domains apart: they meet through the ports and app.ts", () => {
  const shared = new Set([
    "ports.ts",
    "media-ports.ts",
    "telemetry-ports.ts",
    "job-ports.ts",
    "notify-ports.ts",
    "quality-ports.ts",
    "alarm-ports.ts",
    "journal-ports.ts",
    "definition-ports.ts",
    "procedure-ports.ts",
    "point-directory.ts",
    "db",
    "time.ts",
    "wall-clock.ts",
    "paging.ts",
  ]);
  const domainOf = (file: string): string => file.split("/")[1] ?? "";
  const wrong = imports.filter((one) => {
    const to = resolved(one) ?? "";
    if (!one.from.startsWith("cloud/") || !to.startsWith("cloud/") || one.from.startsWith("cloud/console/"))
      return false;
    if (one.from.split("/").length === 2) return false;
    const target = domainOf(to);
    return target !== domainOf(one.from) && !shared.has(target) && !(domainOf(one.from) === "db" && one.typeOnly);
  });
  expect(wrong.map((one) => `${one.from} imports ${one.target}`)).toEqual([]);
});

it("has a whole lock file: npm ci refuses one in which an optional package of another platform is missing", () => {
  const { packages } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { optionalDependencies?: Record<string, string>; version?: string }>;
  };
  const missing = Object.entries(packages).flatMap(([folder, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {}).filter(
      (name) =>
        packages[`node_modules/${name}`] === undefined && packages[`${folder}/node_modules/${name}`] === undefined,
    ),
  );
  expect(missing).toEqual([]);
});

it("has no file over 400 lines", () => {
  const long = sources
    .map((file) => [file, read(file).split("\n").length - 1] as const)
    .filter(([, lines]) => lines > 400);
  expect(long).toEqual([]);
});

it("registers every protocol folder, and gives each a README with the whole checklist", () => {
  // `new` makes protocols and is none
  const folders = readdirSync(path.join(root, "protocols"), { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== "new",
  );
  const registry = read("protocols/registry.ts");
  const checklist = read("protocols/checklist.txt").trim().split("\n");
  for (const { name } of folders) {
    expect(registry).toContain(`./${name}/index.ts`);
    const readme = read(`protocols/${name}/README.md`);
    for (const entry of checklist)
      expect(readme, `${name}: ${entry}`).toMatch(new RegExp(`${entry}\\W+(done|exempt: \\S)`));
  }
});

it("has the same texts in both languages of the console", async () => {
  const keys = (value: object, prefix = ""): string[] =>
    Object.entries(value).flatMap(([key, inner]) =>
      typeof inner === "object" && inner !== null ? keys(inner, `${prefix}${key}.`) : [`${prefix}${key}`],
    );
  const { zhCN } = await import("#cloud/console/i18n/zh-cn.ts");
  const { en } = await import("#cloud/console/i18n/en.ts");
  expect(keys(en).sort()).toEqual(keys(zhCN).sort());
  const texts = (value: object): unknown[] =>
    Object.values(value).flatMap((inner: unknown) =>
      typeof inner === "object" && inner !== null ? texts(inner) : [inner],
    );
  const empty = [...texts(zhCN), ...texts(en)].filter((text) => text === "");
  expect(empty).toEqual([]);
});

it("tells the truth in the README's environment table", async () => {
  const { Environment, environmentTable } = await import("#config/environment.ts");
  expect(read("README.md")).toContain(environmentTable());
  for (const name of Object.keys(Environment.properties))
    expect(read("README.zh-CN.md"), name).toContain(`\`${name}\``);
});
