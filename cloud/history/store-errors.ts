import { HubError } from "#core/errors.ts";

/** The telemetry store failed. `retriable` when the same call may succeed later. */
export class HistoryError extends HubError {}
