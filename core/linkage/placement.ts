import { sourceOf } from "../alarm/operands.ts";
import { COMMUNICATION_PRIORITY, communicationDevice, STALE_PRIORITY, staleDevice } from "../alarm/track.ts";
import type { AlarmDefinition } from "../model/alarm.ts";
import type { Zone } from "../model/site.ts";
import type { PlanSite } from "./action.ts";
import type { FromZone, Rule, RuleStep, RuleTrigger } from "./rule.ts";

/** What of the site decides where a rule runs. */
export interface PlacementSite {
  readonly zones: readonly Zone[];
  readonly definitions: readonly AlarmDefinition[];
  /** Ids `<site>/<gateway>/<device>` of all devices: each has a communication alarm and may send events. */
  readonly devices: readonly string[];
  /** Its doors and spaces. */
  readonly site: PlanSite;
  /** Gateway `<site>/<gateway>` that speaks to a point or device; undefined for one that the site does not have. */
  gatewayOf(id: string): string | undefined;
}

/** Where a rule runs and why, in words. */
export interface Placement {
  /** Gateway id `<site>/<gateway>`, or `cloud`. */
  readonly place: string;
  readonly because: string;
}

const CLOUD = "cloud";
/** Alarms about a lost gateway are minted in the cloud under this name. */
const GATEWAY_ALARM = "gateway:";

/** Priorities of the alarms that every device has by itself. */
const OF_DEVICES: ReadonlySet<string> = new Set([COMMUNICATION_PRIORITY, STALE_PRIORITY]);

type AlarmFilter = Exclude<RuleTrigger, { type: "deviceEvent" } | { type: "point" }>;

/**
 * A rule runs on the gateway that owns all its inputs and outputs, so that it goes on when the cloud is cut off; else in the cloud.
 * A notice to the console is no output that counts: the gateway keeps it in its event lane.
 */
export function placeRule(rule: Rule, site: PlacementSite): Placement {
  const sources = triggerSources(rule.when, site);
  if (sources.length === 0) return { place: CLOUD, because: "nothing in the site can trigger it" };
  const things = [...sources, ...conditionInputs(rule), ...outputs(rule, site)];
  const owners = new Map<string, string>();
  for (const thing of things) {
    const owner = thing.startsWith(GATEWAY_ALARM) ? CLOUD : site.gatewayOf(thing);
    if (owner === undefined) return { place: CLOUD, because: `no gateway owns ${thing}` };
    if (!owners.has(owner)) owners.set(owner, thing);
  }
  const [first, ...others] = [...owners].map(([owner, thing]) => ({ owner, thing }));
  if (first === undefined || others.length > 0 || first.owner === CLOUD)
    return {
      place: CLOUD,
      because: `inputs and outputs lie apart: ${[...owners].map(([owner, thing]) => `${thing} on ${owner}`).join(", ")}`,
    };
  return { place: first.owner, because: `all inputs and outputs belong to ${first.owner}` };
}

function triggerSources(when: RuleTrigger, site: PlacementSite): readonly string[] {
  switch (when.type) {
    case "point":
      return [when.point];
    case "deviceEvent":
      return when.device === undefined ? site.devices : [when.device];
    case "alarmRaised":
    case "alarmCleared":
    case "alarmAcknowledged":
    case "alarmReset": {
      const configured = matching(when, site).map(({ condition }) => sourceOf(condition));
      return [...configured, ...builtIn(when, site)];
    }
    default:
      return when satisfies never;
  }
}

function matching(when: AlarmFilter, site: PlacementSite): readonly AlarmDefinition[] {
  return site.definitions.filter((definition) => {
    const zone = site.zones.find(({ id }) => id === definition.zone);
    const filters = [
      [when.category, definition.category],
      [when.priority, definition.priority],
      [when.definition, definition.id],
      [when.zone, definition.zone],
      [when.zoneKind, zone?.kind],
      [when.partition, zone?.partition],
    ] as const;
    return filters.every(([wanted, is]) => wanted === undefined || wanted === is);
  });
}

/** Devices whose built-in alarms the filter lets through, and `gateway:` where it lets the cloud's own alarms through. */
function builtIn(when: AlarmFilter, site: PlacementSite): readonly string[] {
  if (when.zone !== undefined || when.zoneKind !== undefined || when.partition !== undefined) return [];
  const { category, definition } = when;
  if (definition !== undefined) {
    const device = communicationDevice(definition) ?? staleDevice(definition);
    if (device !== undefined) return [device];
    return definition.startsWith(GATEWAY_ALARM) ? [definition] : [];
  }
  if (category !== undefined && category !== "communication" && category !== "system") return [];
  const minted = when.priority === undefined || OF_DEVICES.has(when.priority);
  const communication = category !== "system" && minted ? site.devices : [];
  return [...communication, `${GATEWAY_ALARM}any`];
}

function conditionInputs(rule: Rule): readonly string[] {
  return (rule.if ?? []).flatMap(({ tests }) => tests.flatMap((test) => (test.type === "point" ? [test.point] : [])));
}

function outputs(rule: Rule, site: PlacementSite): readonly string[] {
  const zones = zonesOf(rule.when, site);
  return rule.then.flatMap((step) =>
    step.action === "notifyConsole" ? [] : [...targets(step, zones), ...doorControllers(step, site.site)],
  );
}

/** Zones from which the trigger can come. */
function zonesOf(when: RuleTrigger, site: PlacementSite): readonly Zone[] {
  if (when.type === "point" || when.type === "deviceEvent") return [];
  const ids = new Set(matching(when, site).map(({ zone }) => zone));
  return site.zones.filter(({ id }) => ids.has(id));
}

function targets(step: RuleStep, zones: readonly Zone[]): readonly string[] {
  return ["point", "camera"].flatMap((name) => {
    const given = step.params[name];
    if (typeof given === "string") return [given];
    return typeof given === "object" && given !== null ? fromZones(given, zones) : [];
  });
}

/** Controllers of the doors that a step names, or of the escape doors of the space it names. */
function doorControllers({ params }: RuleStep, site: PlanSite): readonly string[] {
  const { door, space } = params;
  const one = typeof door === "string" ? site.door(door) : undefined;
  const released = typeof space === "string" ? site.escapeDoors(space) : [];
  return [...(one === undefined ? [] : [one]), ...released].map(({ device }) => device);
}

function fromZones({ from }: FromZone, zones: readonly Zone[]): readonly string[] {
  if (from === "zone.preset") return [];
  return zones.flatMap((zone) => (from === "zone.camera" ? zone.camera : zone.light) ?? []);
}
