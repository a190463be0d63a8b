/** What a bench measures; null where this platform cannot tell. */
export type Figures = Readonly<Record<string, number | null>>;

/** Result of one bench. `limit` is the same work without the part under test, `ratio` figure / limit, both from the same run. */
export interface BenchResult {
  readonly figures: Figures;
  readonly limit?: Figures;
  readonly ratio?: Figures;
}

/** One bench. Progress goes to `say`, one line a call. */
export type Bench = (say: (text: string) => void) => Promise<BenchResult>;
