import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

/** What the documents say of files and tests is true: a renamed test or a moved file breaks the page that names it. */

const ROOT = path.resolve(import.meta.dirname, "..");
const TESTS = path.join(ROOT, "tests");
const SOURCES = ["config", "cloud", "core", "docs", "edge", "protocols", "simulators", "tests"];

const pages = [
  ...readdirSync(ROOT).filter((file) => file.endsWith(".md")),
  ...SOURCES.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md") && !file.includes("node_modules"))
      .map((file) => path.join(folder, file)),
  ),
];
const text = new Map(pages.map((page) => [page, readFileSync(path.join(ROOT, page), "utf8")]));
const testFiles = new Set(
  readdirSync(TESTS, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.ts")),
);
const baseNames = new Set([...testFiles].map((file) => path.basename(file)));

/** What `npm run new` would write: the example of the README. */
const GENERATED = new Set(["contract/knx.test.ts"]);

/** A file of tests named by a page: from `tests/`, from within it, or by its last part behind a longer one. */
function isThere(cited: string): boolean {
  const inside = cited.replace(/^(?:\.\.\/)*tests\//, "");
  if (GENERATED.has(inside)) return true;
  const files = inside.includes("/") ? testFiles : baseNames;
  return cited.includes("*") ? [...files].some((file) => path.matchesGlob(file, inside)) : files.has(inside);
}

describe("every page", () => {
  it.each(pages)("%s names only tests that exist", (page) => {
    const cited = [...(text.get(page) ?? "").matchAll(/[\w./*-]+\.test\.ts/g)].map(([file]) => file);
    expect(cited.filter((file) => !isThere(file))).toEqual([]);
  });

  it.each(pages)("%s links only to files that exist", (page) => {
    const links = [...(text.get(page) ?? "").matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, link = ""]) => link);
    const missing = links.filter(
      (link) => !/^[a-z]+:/.test(link) && !existsSync(path.resolve(ROOT, path.dirname(page), link)),
    );
    expect(missing).toEqual([]);
  });
});

describe("docs/bacnet-pics.md", () => {
  const pics = text.get(path.join("docs", "bacnet-pics.md")) ?? "";

  it("cites tests by the names they have", () => {
    const cited = [...pics.matchAll(/([a-z/-]+\.test\.ts):\s+"([^"]+)"/g)].map(([, file = "", name = ""]) => ({
      file,
      name,
    }));
    expect(cited.length).toBeGreaterThan(40);
    const missing = cited.filter(({ file, name }) => {
      const whole = path.join(TESTS, file);
      return !existsSync(whole) || !readFileSync(whole, "utf8").includes(`"${name}"`);
    });
    expect(missing).toEqual([]);
  });

  it("cites a test for every building block", () => {
    const without = pics
      .split("\n")
      .filter((line) => /^\| [A-Z]+-[A-Z]/.test(line) && !line.includes(".test.ts") && !line.startsWith("| AE-EL"));
    expect(without).toEqual([]);
  });
});
