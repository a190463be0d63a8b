import { InvalidInputError } from "../errors.ts";

/** Name of the Sparkplug metric in the node's birth that tells which run of which gateway process was born. */
export const BOOT_METRIC = "Parkhub/boot";

/** One run of a gateway process on its outbox. */
export interface Boot {
  /** 16 hex digits, new with every start of the process. */
  readonly nonce: string;
  /** Epoch of the outbox. */
  readonly epoch: string;
  /** What tells the machine from others, 16 hex digits; absent where the system does not say. */
  readonly machine?: string;
}

const FORM = /^([0-9a-f]{16}):([0-9a-f]{32}):([0-9a-f]{16})?$/;

/** `<nonce>:<epoch>:<machine or nothing>`. */
export function formatBoot({ nonce, epoch, machine }: Boot): string {
  return `${nonce}:${epoch}:${machine ?? ""}`;
}

/** Reads `<nonce>:<epoch>:<machine or nothing>`. @throws BOOT_INVALID */
export function parseBoot(text: string): Boot {
  const [, nonce = "", epoch = "", machine] = FORM.exec(text) ?? [];
  if (nonce === "")
    throw new InvalidInputError(
      "BOOT_INVALID",
      `${BOOT_METRIC}: expected <16 hex>:<32 hex>:<16 hex or nothing>, got "${text.slice(0, 80)}"`,
    );
  return { nonce, epoch, ...(machine === undefined ? {} : { machine }) };
}

/** Most runs that are remembered of one epoch. */
const MAX_RUNS = 16;

/**
 * Judges the birth of a run by the runs that have used its epoch before, least recent first. A run that was followed by another
 * and comes again shows that two copies of one outbox live: `copy`. It is to be told to take a new epoch (an ack as far as
 * `Number.MAX_SAFE_INTEGER`), or the offsets of the two would be taken for each other.
 */
export function judgeBoot(
  runs: readonly string[],
  nonce: string,
): { readonly verdict: "same" | "next" | "copy"; readonly runs: readonly string[] } {
  if (runs.at(-1) === nonce) return { verdict: "same", runs };
  const verdict = runs.includes(nonce) ? "copy" : "next";
  return { verdict, runs: [...runs.filter((run) => run !== nonce), nonce].slice(-MAX_RUNS) };
}
