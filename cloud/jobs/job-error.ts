import { HubError } from "#core/errors.ts";

/** The queue of jobs refuses or cannot. */
export class JobError extends HubError {}
