import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { Logger } from "#core/logger.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { EVERYTHING, GATEWAY, oneASecond, POINT, T0, telemetryWrite } from "#tests/contract/telemetry-writes.ts";

export const EPOCH = "e".repeat(32);

/** Sizes that make the store work in small pieces. */
export interface Sizes {
  readonly compactAt?: number;
  readonly chunkAt?: number;
  readonly fullAt?: number;
}

/** A telemetry file in a folder of its own, with the store that is open on it. */
export class HistoryFile {
  readonly folder = mkdtempSync(join(tmpdir(), "parkhub-telemetry-"));
  readonly file = join(this.folder, "telemetry.db");
  readonly points = new PointNumbers();
  store: EmbeddedTelemetryStore | undefined;

  async open(sizes: Sizes = {}, logger: Logger = silentLogger): Promise<EmbeddedTelemetryStore> {
    await this.store?.close();
    this.store = await EmbeddedTelemetryStore.open({ file: this.file, points: this.points, ...sizes }, logger);
    return this.store;
  }

  async remove(): Promise<void> {
    await this.store?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Writes samples with these offsets, one a second, values offset / 10. */
  async write(first: number, last: number): Promise<{ readonly stored: number; readonly duplicates: number }> {
    const samples = oneASecond(last - first + 1, (i) => (first + i) / 10, POINT, T0 + first * 1000);
    return await this.writeSamples(first, samples);
  }

  async writeSamples(first: number, samples: readonly Sample[], epoch = EPOCH) {
    const batch = { gateway: GATEWAY, epoch, first, samples };
    if (this.store === undefined) throw new Error("not open");
    return await this.store.write(telemetryWrite(this.points, [batch]));
  }

  /** Values of POINT times ten. */
  async values(): Promise<readonly number[]> {
    const rows = (await this.store?.read(EVERYTHING)) ?? [];
    return rows.map(({ value }) => Math.round(Number(value) * 10));
  }

  /** Runs SQL on the file past the store. */
  sql(statement: string): readonly Record<string, unknown>[] {
    const db = new DatabaseSync(this.file);
    try {
      const prepared = db.prepare(statement);
      return prepared.all();
    } finally {
      db.close();
    }
  }

  count(table: string): number {
    return Number(this.sql(`SELECT count(*) AS n FROM ${table}`)[0]?.["n"]);
  }
}

/** Whole numbers from `first` to `last`. */
export function upTo(last: number, first = 1): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
