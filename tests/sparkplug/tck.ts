import { describe, it } from "vitest";

/** Collects which assertion has a case and which has an excuse, while the cases are registered. */
export class Tck {
  /** Assertions with at least one case. */
  readonly covered = new Set<string>();
  /** Assertions that apply and have no case, with the reason. */
  readonly excused = new Map<string, string>();

  /** A chapter of cases. */
  chapter(title: string, cases: () => void): void {
    describe(title, cases);
  }

  /** One test for each of these assertions: they ask for the same thing in other words. Ids without their `tck-id-`. */
  covers(ids: readonly string[], title: string, check: () => void | Promise<void>): void {
    for (const id of ids) {
      this.covered.add(`tck-id-${id}`);
      it(`tck-id-${id}: ${title}`, check);
    }
  }

  /** Says why assertions that apply are not met or not shown. */
  excuses(ids: readonly string[], reason: string): void {
    for (const id of ids) this.excused.set(`tck-id-${id}`, reason);
  }
}
