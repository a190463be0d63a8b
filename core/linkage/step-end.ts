import type { RunStepStatus } from "./rule.ts";

/** How one effect of a step ended. */
export interface EffectEnd {
  readonly status: RunStepStatus;
  /** Why it was not done, or what was read back. */
  readonly detail?: string;
  /** SHA-256 of what it produced. */
  readonly blob?: string;
}

/**
 * How a step ended of which these are the parts: as the first that failed did, with what each of those says. The effects of a step
 * are performed together, and none waits for another or is left out because of it: one stuck door must not keep the others locked.
 */
export function together(ends: readonly EffectEnd[]): EffectEnd {
  const failed = ends.filter(({ status }) => status !== "done");
  const [first] = failed;
  if (first === undefined) return ends.at(-1) ?? { status: "done" };
  const details = failed.flatMap(({ detail }) => detail ?? []);
  if (ends.length > 1) details.unshift(`${failed.length} of ${ends.length} failed`);
  return { status: first.status, ...(details.length === 0 ? {} : { detail: details.join("; ") }) };
}
