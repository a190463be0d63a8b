import { definitionProblems } from "#core/alarm/definition-check.ts";
import { withPoints } from "#core/alarm/operands.ts";
import type { AlarmCondition, AlarmDefinition, AlarmSuppressor } from "#core/model/alarm.ts";
import type { Point } from "#core/model/point.ts";
import type { DeviceAlarmCondition, DeviceAlarmEntry, DeviceEntry } from "./schema/site.ts";
import type { Origin } from "./site-files.ts";
import type { PathStep } from "./yaml-file.ts";

/** What the alarms of a site are completed with and checked against. */
export interface AlarmPlaces {
  /** Name of the site, the first part of every id. */
  readonly site: string;
  readonly zones: ReadonlySet<string>;
  readonly points: ReadonlyMap<string, Pick<Point, "kind">>;
  readonly devices: ReadonlyMap<string, unknown>;
  readonly checkSpace: (origin: Origin, steps: readonly PathStep[], space: string | undefined) => void;
  readonly fault: (origin: Origin, steps: readonly PathStep[], expected: string, got: unknown) => void;
}

/** The condition of a device with its references complete: `<gateway>/<device>[/<point>]`. */
function ofDevice(condition: DeviceAlarmCondition, device: string): AlarmCondition {
  if (condition.type === "event" || condition.type === "field") return { ...condition, device };
  return withPoints(condition, (point) => `${device}/${point}`);
}

function suppressors(
  list: readonly AlarmSuppressor[] | undefined,
  point: (name: string) => string,
  definition: (name: string) => string,
): Pick<AlarmDefinition, "suppressedBy"> {
  if (list === undefined) return {};
  return {
    suppressedBy: list.map((by) =>
      "point" in by ? { ...by, point: point(by.point) } : { ...by, definition: definition(by.definition) },
    ),
  };
}

/** Completes the ids in alarm definitions and checks them when all are known. */
export class AlarmExpansion {
  readonly #places: AlarmPlaces;
  readonly #alarms = new Map<string, AlarmDefinition>();
  readonly #origins = new Map<string, Origin>();

  constructor(places: AlarmPlaces) {
    this.#places = places;
  }

  /** By their ids. */
  get all(): ReadonlyMap<string, AlarmDefinition> {
    return this.#alarms;
  }

  /** An alarm of a device: points, alarms and groups that it names are the device's own. */
  addOfDevice(alarm: DeviceAlarmEntry, entry: DeviceEntry, origin: Origin): void {
    const device = `${entry.gateway}/${entry.id}`;
    const { firstOut } = alarm;
    this.add(
      {
        ...alarm,
        id: `${entry.id}.${alarm.id}`,
        message: `${entry.name} ${alarm.message}`,
        messageEn: `${entry.nameEn}: ${alarm.messageEn}`,
        condition: ofDevice(alarm.condition, device),
        ...(firstOut === undefined ? {} : { firstOut: `${entry.id}.${firstOut}` }),
        ...suppressors(
          alarm.suppressedBy,
          (point) => `${device}/${point}`,
          (id) => `${entry.id}.${id}`,
        ),
      },
      origin,
    );
  }

  /** An alarm whose points and devices are written `<gateway>/<device>[/<point>]`. */
  add(alarm: AlarmDefinition, origin: Origin): void {
    const { zones, checkSpace, fault } = this.#places;
    if (this.#alarms.has(alarm.id)) {
      fault(origin, ["id"], "an alarm id used once", alarm.id);
      return;
    }
    if (alarm.zone !== undefined && !zones.has(alarm.zone)) fault(origin, ["zone"], "the id of a zone", alarm.zone);
    checkSpace(origin, ["space"], alarm.space);
    const absolute = (reference: string): string => `${this.#places.site}/${reference}`;
    const { condition } = alarm;
    const complete =
      condition.type === "event" || condition.type === "field"
        ? { ...condition, device: absolute(condition.device) }
        : withPoints(condition, absolute);
    this.#origins.set(alarm.id, origin);
    this.#alarms.set(alarm.id, {
      ...alarm,
      condition: complete,
      ...suppressors(alarm.suppressedBy, absolute, (id) => id),
    });
  }

  /** Checks each alarm, now that all points, devices and alarms are known. */
  check(): void {
    const { site, points, devices, fault } = this.#places;
    for (const [id, alarm] of this.#alarms) {
      const origin = this.#origins.get(id);
      if (origin === undefined) continue;
      const problems = definitionProblems(alarm, {
        point: (point) => points.get(point),
        device: (device) => devices.has(device),
        definition: (other) => this.#alarms.get(other),
      });
      for (const { path, expected, got } of problems)
        fault(origin, path, expected, typeof got === "string" ? got.replace(`${site}/`, "") : got);
    }
  }
}
