import { Readable } from "node:stream";
import type { Clock } from "#core/clock.ts";
import type { EvidenceGap, EvidenceRequest } from "#core/contracts/evidence.ts";
import { HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { EvidenceService } from "../journal-ports.ts";
import type { Actor } from "../ports.ts";
import { iso } from "../time.ts";
import { EvidenceError } from "./errors.ts";
import { mediaOf } from "./media.ts";
import { type EvidenceSigner, packOf } from "./pack.ts";
import { reportOf } from "./report.ts";
import { type EvidenceSources, factsOf } from "./sources.ts";

/** Bytes of all files of one pack. */
const MOST_BYTES = 1_000_000_000;
/** Packs made at the same time. */
const MOST_AT_ONCE = 2;

export interface EvidenceDeps {
  readonly sources: EvidenceSources;
  readonly signer: EvidenceSigner;
  /** Name and version of this software. */
  readonly software: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bytes of all files of one pack; 1 GB when absent. */
  readonly mostBytes?: number;
}

/** Makes evidence packs: everything about an alarm in one file that proves by itself that nothing of it was changed. */
export class Evidence implements EvidenceService {
  readonly #deps: EvidenceDeps;
  #running = 0;

  constructor(deps: EvidenceDeps) {
    this.#deps = deps;
  }

  export(id: string, { reason, lang = "zh-CN" }: EvidenceRequest, actor: Actor): { name: string; bytes: Readable } {
    const { sources, signer, software, clock, logger, mostBytes = MOST_BYTES } = this.#deps;
    const { alarms, audit, catalog, journal } = sources;
    const alarm = alarms.get(id);
    if (alarm === undefined) throw new HubError("ALARM_UNKNOWN", `alarm ${id}: no such alarm`);
    if (this.#running >= MOST_AT_ONCE)
      throw new EvidenceError("EVIDENCE_BUSY", `${MOST_AT_ONCE} packs are being made: try again later`, {
        retriable: true,
      });
    const missing: EvidenceGap[] = [];
    const media = mediaOf(sources, alarm, missing);
    const bytes = media.reduce((sum, one) => sum + one.bytes, 0);
    if (bytes > mostBytes)
      throw new EvidenceError(
        "EVIDENCE_TOO_LARGE",
        `alarm ${id}: its pictures and clips are ${bytes} bytes, a pack holds ${mostBytes}`,
      );
    const exportedAt = clock.now();
    const record = (result: "ok" | "failed", detail: Record<string, unknown>): void =>
      audit.append({
        actor: actor.name,
        action: "evidence.export",
        target: id,
        result,
        detail,
        ...(actor.ip === undefined ? {} : { ip: actor.ip }),
      });
    record("ok", { reason, media: media.length, bytes });
    const facts = factsOf(sources, alarm, exportedAt, missing);
    const { site, timeZone } = catalog;
    const { occurrence, message, messageEn } = alarm;
    const manifest = {
      software,
      site,
      timeZone,
      alarm: { id, occurrence, message, messageEn },
      exportedAt: iso(exportedAt),
      exportedBy: actor.name,
      reason,
      journalHead: journal.head(),
    };
    const report = reportOf(
      { facts, media, missing, manifest, fingerprint: signer.key.key, spaces: catalog.spaces() },
      lang,
    );
    const pieces = packOf({ sources, facts, media, missing, report, manifest, signer, mostBytes });
    const stream = Readable.from(
      this.#counted(pieces, (error) => {
        // The answer has begun: it can only be cut off, and the one who waits gets no file that looks whole.
        logger.error({ err: error, alarm: id }, "evidence pack not finished");
        record("failed", { reason, code: error instanceof HubError ? error.code : "INTERNAL" });
      }),
    );
    const stamp = iso(exportedAt).replaceAll(/[-:]|\.\d+/g, "");
    return { name: `evidence-${id.slice(0, 16).replace(/[^A-Za-z0-9._-]/g, "-")}-${stamp}`, bytes: stream };
  }

  async *#counted(pieces: AsyncGenerator<Uint8Array>, failed: (error: unknown) => void): AsyncGenerator<Uint8Array> {
    // Counted while it is made, not while it waits to be.
    if (this.#running >= MOST_AT_ONCE) throw new EvidenceError("EVIDENCE_BUSY", "other packs are being made");
    this.#running++;
    try {
      yield* pieces;
    } catch (error) {
      failed(error);
      throw error;
    } finally {
      this.#running--;
    }
  }
}
