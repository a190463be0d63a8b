import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { Program } from "#tests/program.ts";
import { A, OutboxBench, sample } from "./outbox-bench.ts";

describe("[catalogue 6] the outbox file", () => {
  const bench = new OutboxBench();

  it("moves a broken file aside, mints a new epoch and tells the loss", () => {
    const outbox = bench.open();
    outbox.appendSamples(Array.from({ length: 5_000 }, (_, at) => sample(A, at)));
    const { epoch } = outbox;
    bench.close(outbox);
    writeFileSync(bench.path, Buffer.alloc(8_192, 0x5a), { flag: "r+" });
    const fresh = bench.open();
    expect(fresh.epoch).not.toBe(epoch);
    expect(readdirSync(join(bench.path, "..")).some((name) => name.startsWith("outbox.db.broken-"))).toBe(true);
    const gaps = fresh.itemsAfter("events", 0, 10);
    expect(gaps.map((item) => item.kind === "gap" && [item.lane, item.reason])).toEqual([
      ["events", "corrupt"],
      ["telemetry", "corrupt"],
      ["ledger", "corrupt"],
    ]);
  });

  it("still tells whose epoch was lost when only some page of the file is broken", () => {
    const outbox = bench.open();
    outbox.appendSamples(Array.from({ length: 20_000 }, (_, at) => sample(A, at)));
    const { epoch } = outbox;
    bench.close(outbox);
    const file = openSync(bench.path, "r+");
    writeSync(file, Buffer.alloc(4_096, 0x5a), 0, 4_096, (statSync(bench.path).size / 4_096 - 3) * 4_096);
    closeSync(file);
    const fresh = bench.open();
    expect(fresh.epoch).not.toBe(epoch);
    expect(fresh.itemsAfter("events", 0, 1)[0]).toMatchObject({ kind: "gap", epoch });
  });

  it("moves a file aside that was cut off", () => {
    const outbox = bench.open();
    outbox.appendSamples(Array.from({ length: 20_000 }, (_, at) => sample(A, at)));
    const { epoch } = outbox;
    bench.close(outbox);
    truncateSync(bench.path, statSync(bench.path).size - 3 * 4_096);
    expect(bench.open().epoch).not.toBe(epoch);
  });

  it("refuses a file of a newer program, saying so, and leaves it alone", () => {
    bench.close(bench.open());
    const db = new DatabaseSync(bench.path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    expect(() => bench.open()).toThrow(
      expect.objectContaining({ code: "OUTBOX_NEWER", message: expect.stringContaining("99") }),
    );
    expect(existsSync(bench.path)).toBe(true);
  });

  it("refuses a file that another gateway process holds", () => {
    bench.open();
    expect(() => bench.open()).toThrow(expect.objectContaining({ code: "OUTBOX_IN_USE" }));
  });

  it("loses nothing committed and doubles nothing when the process is killed while it appends", {
    timeout: 120_000,
  }, async () => {
    let told = { epoch: "", telemetry: 0, events: 0 };
    for (let round = 0; round < 4; round++) {
      told = await appendUntilKilled(bench.path, told);
      const outbox = bench.open();
      const rows = outbox.telemetryAfter(0, 1_000_000);
      const offsets = rows.flatMap(({ first, samples }) => samples.map((_, at) => first + at));
      expect(outbox.epoch).toBe(told.epoch);
      expect(offsets).toEqual(Array.from({ length: offsets.length }, (_, at) => at + 1));
      expect(offsets.length).toBeGreaterThanOrEqual(told.telemetry);
      const items = outbox.itemsAfter("events", 0, 1_000_000);
      expect(items.length).toBeGreaterThanOrEqual(told.events);
      // record and item of one commit are there together
      expect(outbox.records("command").get("last")).toBe(items.length);
      bench.close(outbox);
    }
  });
});

interface Told {
  readonly epoch: string;
  readonly telemetry: number;
  readonly events: number;
}

async function appendUntilKilled(path: string, before: Told): Promise<Told> {
  const child = Program.start(["tests/unit/edge/outbox-appender.ts", path]);
  try {
    await child.until("thirty commits", () => child.out.split("\n").length > 30 || undefined);
  } finally {
    await child.kill();
  }
  const [epoch = "", telemetry = "", events = ""] = (
    child.out
      .trimEnd()
      .split("\n")
      .findLast((line) => line.split(" ").length === 3) ?? ""
  ).split(" ");
  expect(Number(telemetry)).toBeGreaterThan(before.telemetry);
  return { epoch, telemetry: Number(telemetry), events: Number(events) };
}
