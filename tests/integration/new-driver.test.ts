import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const COPIED = [
  "protocols",
  "core",
  "simulators/device.ts",
  "tests/vitest.config.ts",
  "tests/contract/driver-contract.ts",
  "package.json",
  "tsconfig.json",
  "biome.json",
];

/** A copy of what `npm run new` reads and writes; the packages are the repository's own. */
function copyOfTheHouse(): string {
  const house = mkdtempSync(path.join(os.tmpdir(), "parkhub-new-driver-"));
  for (const entry of COPIED) cpSync(path.join(root, entry), path.join(house, entry), { recursive: true });
  symlinkSync(path.join(root, "node_modules"), path.join(house, "node_modules"), "dir");
  return house;
}

function run(house: string, args: readonly string[]): { code: number | null; output: string } {
  const result = spawnSync(process.execPath, args, { cwd: house, encoding: "utf8" });
  return { code: result.status, output: `${result.stdout}${result.stderr}` };
}
const registryOf = (house: string): string => readFileSync(path.join(house, "protocols/registry.ts"), "utf8");

describe("npm run new -- driver", { timeout: 60_000 }, () => {
  let house: string;
  beforeAll(() => {
    house = copyOfTheHouse();
  });
  afterAll(() => rmSync(house, { recursive: true, force: true }));

  it("refuses what is no driver name, and writes nothing", () => {
    const before = registryOf(house);
    const wrong = [
      "",
      "Demo",
      "demo_x",
      "9demo",
      "demo-",
      "-demo",
      "demo--x",
      "../demo",
      "class",
      "registry",
      "x".repeat(31),
    ];
    for (const name of wrong) {
      const { code, output } = run(house, ["protocols/new/new.ts", "driver", name]);
      expect(code, `${name}: ${output}`).toBe(2);
      expect(output, name).toMatch(/^npm run new -- driver <name>: .+\n$/);
    }
    expect(run(house, ["protocols/new/new.ts", "page", "demo"])).toMatchObject({
      code: 2,
      output: 'npm run new -- driver <name>: expected "driver", got "page"\n',
    });
    expect(run(house, ["protocols/new/new.ts"]).code).toBe(2);
    expect(registryOf(house)).toBe(before);
  });

  it("refuses a protocol that is there already, and leaves it as it is", () => {
    const before = readFileSync(path.join(house, "protocols/modbus/index.ts"), "utf8");
    const { code, output } = run(house, ["protocols/new/new.ts", "driver", "modbus"]);
    expect([code, output]).toEqual([2, "protocols/modbus is there already\n"]);
    expect(readFileSync(path.join(house, "protocols/modbus/index.ts"), "utf8")).toBe(before);
  });

  describe("demo-x", () => {
    const made = [
      ...["index", "config", "vocabulary", "counters", "codec/line", "link", "session", "driver"].map(
        (file) => `protocols/demo-x/${file}.ts`,
      ),
      "protocols/demo-x/README.md",
      "simulators/servers/demo-x.ts",
      "tests/contract/demo-x.test.ts",
    ];
    beforeAll(() => {
      const { code, output } = run(house, ["protocols/new/new.ts", "driver", "demo-x"]);
      expect(code, output).toBe(0);
      for (const file of made) expect(output).toContain(`${file}\n`);
    });

    it("makes the folder shape, its contract test and a README with the whole checklist", () => {
      for (const file of made) expect(existsSync(path.join(house, file)), file).toBe(true);
      const readme = readFileSync(path.join(house, "protocols/demo-x/README.md"), "utf8");
      for (const entry of readFileSync(path.join(house, "protocols/checklist.txt"), "utf8").trim().split("\n"))
        expect(readme).toMatch(new RegExp(`${entry}\\W+(done|exempt: \\S)`));
    });

    it("registers the driver beside the others", () => {
      const list =
        'const { driverByKind } = await import("#protocols/registry.ts"); console.log([...driverByKind.keys()].join())';
      const kinds = (folder: string) => run(folder, ["--input-type=module", "--eval", list]).output.trim();
      expect(kinds(house)).toBe(`${kinds(root)},demo-x`);
    });

    it("type-checks", () => {
      const { code, output } = run(house, ["node_modules/typescript/bin/tsc", "-p", "."]);
      expect(output).toBe("");
      expect(code).toBe(0);
    });

    it("passes the linter as it is", () => {
      const files = [...made.filter((file) => file.endsWith(".ts")), "protocols/registry.ts"];
      const { code, output } = run(house, [
        "node_modules/@biomejs/biome/bin/biome",
        "check",
        "--error-on-warnings",
        ...files,
      ]);
      expect(code, output).toBe(0);
    });

    it("passes the contract suite of drivers against its own echo simulator", () => {
      const { code, output } = run(house, [
        "node_modules/vitest/vitest.mjs",
        "run",
        "--config",
        "tests/vitest.config.ts",
        "tests/contract/demo-x.test.ts",
      ]);
      expect(code, output).toBe(0);
      expect(output).toMatch(/\d+ passed/);
    });

    it("is refused a second time", () => {
      const { code, output } = run(house, ["protocols/new/new.ts", "driver", "demo-x"]);
      expect([code, output]).toEqual([2, "protocols/demo-x is there already\n"]);
      expect(registryOf(house).match(/demo-x/g)).toHaveLength(1);
    });
  });
});
