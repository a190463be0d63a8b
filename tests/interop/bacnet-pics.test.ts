import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const TESTS = path.resolve(import.meta.dirname, "..");
const PICS = readFileSync(path.resolve(TESTS, "../docs/bacnet-pics.md"), "utf8");
const CITED = [...PICS.matchAll(/([a-z/-]+\.test\.ts):\s+"([^"]+)"/g)].map(([, file = "", name = ""]) => ({
  file,
  name,
}));
const BIBB = /^\| [A-Z]+-[A-Z]/;

it("every test that the conformance statement cites is there, and every building block cites one", () => {
  expect(CITED.length).toBeGreaterThan(40);
  const missing = CITED.filter(({ file, name }) => {
    const whole = path.join(TESTS, file);
    return !existsSync(whole) || !readFileSync(whole, "utf8").includes(`"${name}"`);
  });
  expect(missing).toEqual([]);
  const without = PICS.split("\n").filter(
    (line) => BIBB.test(line) && !line.includes(".test.ts") && !line.startsWith("| AE-EL"),
  );
  expect(without).toEqual([]);
});
