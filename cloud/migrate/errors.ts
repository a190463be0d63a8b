import { HubError } from "#core/errors.ts";

/** The stores cannot be moved: MIGRATE_NOTHING, MIGRATE_RUNNING, MIGRATE_TARGET, MIGRATE_AWAY, MIGRATE_DIFFERS. */
export class MigrateError extends HubError {}
