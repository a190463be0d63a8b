import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { APPLICABLE, NOT_APPLICABLE } from "./assertions.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

function cited(folder: string): { readonly file: string; readonly id: string }[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(?:ts|tsx|md)$/.test(file) && !file.includes("node_modules"))
    .flatMap((file) => {
      const text = readFileSync(path.join(ROOT, folder, file), "utf8");
      return [...text.matchAll(/tck-id-[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?![-*A-Za-z0-9])/g)].map(([id]) => ({
        file,
        id,
      }));
    });
}

test("every Sparkplug assertion that a comment or a page cites exists", () => {
  const known = new Set([...Object.values(APPLICABLE).flat(), ...NOT_APPLICABLE.flatMap(({ ids }) => ids)]);
  const citations = ["core", "edge", "cloud", "docs"].flatMap(cited);
  expect(citations.length).toBeGreaterThan(30);
  expect(citations.filter(({ id }) => !known.has(id))).toEqual([]);
});
