import { HubError } from "#core/errors.ts";

/** The record database failed. `retriable` when the same work may succeed later (busy, full, away); never for broken constraints. */
export class DbError extends HubError {}
