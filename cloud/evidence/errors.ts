import { HubError } from "#core/errors.ts";

/** An evidence pack cannot be made, or what is given is none. */
export class EvidenceError extends HubError {}
