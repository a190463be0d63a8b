import { InvalidInputError } from "../errors.ts";

/** Name of the Sparkplug metric that carries a telemetry batch's identity. Declared null with an alias in every birth. */
export const BATCH_METRIC = "Parkhub/batch";

/** Identity of one telemetry batch. Offsets are per gateway and lane, count samples in payload order, inclusive, and are never reused in an epoch. */
export interface BatchIdentity {
  /** 32 hex digits, minted with the outbox file. */
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
}

const FORM = /^([0-9a-f]{32}):(0|[1-9]\d{0,15}):(0|[1-9]\d{0,15})$/;

/** `<epoch>:<first>:<last>`. */
export function formatBatch({ epoch, first, last }: BatchIdentity): string {
  return `${epoch}:${first}:${last}`;
}

/** Reads `<epoch>:<first>:<last>`. @throws BATCH_IDENTITY_INVALID */
export function parseBatch(text: string): BatchIdentity {
  const [, epoch = "", firstText = "", lastText = ""] = FORM.exec(text) ?? [];
  const first = Number(firstText);
  const last = Number(lastText);
  if (epoch === "" || !Number.isSafeInteger(first) || !Number.isSafeInteger(last) || last < first)
    throw new InvalidInputError(
      "BATCH_IDENTITY_INVALID",
      `${BATCH_METRIC}: expected <32 hex>:<first>:<last> with first <= last, got "${text.slice(0, 80)}"`,
    );
  return { epoch, first, last };
}
