import type { EvidenceGap } from "#core/contracts/evidence.ts";
import { CSV_BOM, csvLine } from "#core/csv.ts";
import { HubError } from "#core/errors.ts";
import type { EvidenceSources } from "./sources.ts";

/** Samples of one point. */
const MOST_SAMPLES = 50_000;
/** Samples read at once. */
const PAGE = 5000;

/** The samples of a point as a CSV file, piece by piece; what cannot be told is noted in `missing`. */
export async function* trendOf(
  { history }: Pick<EvidenceSources, "history">,
  point: string,
  { from, to }: { readonly from: number; readonly to: number },
  missing: EvidenceGap[],
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(CSV_BOM + csvLine(["time (UTC)", "point", "value", "unit", "quality", "reason", "historical"]));
  let next = from;
  for (let read = 0; read < MOST_SAMPLES; ) {
    const page = await history.samples({ point, from: next, to: to + 1, limit: PAGE }).catch((error: unknown) => {
      // A store that is away must not hold the rest back: what is not told is named.
      if (error instanceof HubError) return undefined;
      throw error;
    });
    if (page === undefined) {
      missing.push({ what: `trend ${point}`, why: "unavailable" });
      return;
    }
    const samples = page.samples ?? [];
    yield Buffer.from(
      samples
        .map(({ t, value, quality, reason, historical }) =>
          csvLine([t, point, value, page.unit, quality, reason, historical === true ? 1 : 0]),
        )
        .join(""),
    );
    read += samples.length;
    if (page.nextFrom === undefined) return;
    next = Date.parse(page.nextFrom);
  }
  missing.push({ what: `trend ${point}`, why: "truncated" });
}
