import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { PropertyResult } from "../codec/services/property.ts";
import type { Abilities } from "../station/framing.ts";
import type { Station } from "../station/ports.ts";
import type { DeviceDefinition } from "./device-object.ts";
import type { NotificationClassDefinition } from "./events/notification-class.ts";
import type { Restart } from "./lifecycle.ts";
import type { ServedObject } from "./object.ts";
import type { PointDefinition } from "./points/definition.ts";
import type { CalendarDefinition } from "./schedules/calendar.ts";
import type { ScheduleDefinition } from "./schedules/schedule.ts";
import type { StructuredViewDefinition } from "./structured-view.ts";
import type { TrendLogDefinition, TrendLogMultipleDefinition } from "./trends/trend-log.ts";

/** What a served device is made of. */
export interface ServedDefinition {
  readonly device: DeviceDefinition;
  readonly points: readonly PointDefinition[];
  readonly notificationClasses?: readonly NotificationClassDefinition[];
  readonly trendLogs?: readonly TrendLogDefinition[];
  readonly trendLogsMultiple?: readonly TrendLogMultipleDefinition[];
  readonly calendars?: readonly CalendarDefinition[];
  readonly schedules?: readonly ScheduleDefinition[];
  readonly views?: readonly StructuredViewDefinition[];
}

/** What a served device needs. */
export interface ServedDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Through which it speaks; asked for only once it is started. */
  readonly station: () => Station;
  /** What that station takes and sends now. */
  readonly abilities: () => Abilities;
  /** ReinitializeDevice asks for a restart; called after the answer is out. */
  readonly restart: (how: Restart) => void;
  /** Does it execute a confirmed service? All that it knows, when absent. */
  readonly executes?: (service: number) => boolean;
  /** Does it take an unconfirmed service? All that it knows, when absent. */
  readonly hears?: (service: number) => boolean;
  /** Most COV subscriptions; 1000 when absent. */
  readonly covSlots?: () => number;
  /** How far its clock has run away, ms; 0 when absent. */
  readonly skewMs?: () => number;
  /** What clients see of a property that was read; the property itself, when absent. */
  readonly shown?: (object: ServedObject, result: PropertyResult) => PropertyResult;
  /** How often it looks for changes, ms; 100 when absent. */
  readonly scanMs?: number;
}
