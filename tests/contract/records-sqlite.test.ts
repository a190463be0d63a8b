import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe } from "vitest";
import { recordsContract } from "./records.ts";

describe("the record database in a SQLite file", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "parkhub-records-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  recordsContract(() => folder);
});
