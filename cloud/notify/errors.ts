import { HubError } from "#core/errors.ts";

/** What is wrong with the setting-up of notification. Codes NOTIFY_*. */
export class NotifyError extends HubError {}

/** A message could not be handed over. Codes NOTIFY_* and EGRESS_*; the text holds no secret. */
export class DeliveryError extends HubError {}
