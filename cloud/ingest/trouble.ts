import { errorCode, HubError } from "#core/errors.ts";

const STORE_TROUBLE = /^(DB_(BUSY|READ_ONLY|IO|CORRUPT|FULL|IN_USE|REFUSED|CLOSED)|HISTORY_.*)$/;

/** Is the store itself in trouble? Then nothing can be stored now, and nothing may be condemned for it either. */
export function isStoreTrouble(error: unknown): boolean {
  return (error instanceof HubError && error.retriable) || STORE_TROUBLE.test(errorCode(error));
}
