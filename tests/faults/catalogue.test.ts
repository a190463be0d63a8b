import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

/** Rows of the fault catalogue that the hub answers for, with what it is expected to do in README.md. */
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 25, 28, 29, 30];

const TESTS = path.resolve(import.meta.dirname, "..");
const files = readdirSync(TESTS, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.ts"));
const citing = new Map<number, string[]>();
for (const file of files)
  for (const [, rows = ""] of readFileSync(path.join(TESTS, file), "utf8").matchAll(
    /(?:describe|it|test)[^"`\n]*\(\s*["`]\[catalogue ([\d, ]+)\]/g,
  ))
    for (const row of rows.split(",").map(Number)) citing.set(row, [...(citing.get(row) ?? []), file]);

const table = new Map(
  [...readFileSync(path.join(import.meta.dirname, "README.md"), "utf8").matchAll(/^\| (\d+) \|.*\| ([^|]+) \|$/gm)].map(
    ([, row, tests = ""]) => [Number(row), [...tests.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name)] as const,
  ),
);

/** Is there a test file of this name: below this folder, or by its path below tests/? */
function isThere(name: string): boolean {
  if (name.startsWith("npm ")) return true;
  const pattern = name.replace(/^\.\//, "");
  const matches = (file: string, wanted: string): boolean =>
    wanted.includes("*") ? path.matchesGlob(file, `${wanted}.test.ts`) : file === `${wanted}.test.ts`;
  return files.some((file) => matches(file, pattern) || matches(file, `faults/${pattern}`));
}

describe("the fault catalogue", () => {
  it("has its rows in the table, and no other", () => {
    expect([...table.keys()]).toEqual(ROWS);
  });

  it.each(ROWS)("has for row %i a test whose name cites it, and the table names that file", (row) => {
    const named = table.get(row) ?? [];
    expect(citing.get(row) ?? [], "tests that cite it").not.toEqual([]);
    const listed = (citing.get(row) ?? []).filter((file) => {
      const name = file.replace(/\.test\.ts$/, "");
      return named.some((one) => one === name || `faults/${one}` === name);
    });
    expect(listed, `of ${(citing.get(row) ?? []).join(", ")}`).not.toEqual([]);
  });

  it.each(ROWS)("names in row %i only tests that exist", (row) => {
    expect((table.get(row) ?? []).filter((name) => !isThere(name))).toEqual([]);
  });
});
