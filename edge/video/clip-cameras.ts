import type { Bundle } from "#core/contracts/bundle.ts";
import type { DeviceId } from "#core/ids.ts";
import type { Rule, RuleStep } from "#core/linkage/rule.ts";
import type { Zone } from "#core/model/site.ts";

/** What `Video.configure` is given. */
export interface SiteCameras {
  readonly cameras: readonly DeviceId[];
  /** Cameras that a rule of this gateway may ask a clip of, with the longest time before that is asked for, ms. */
  readonly ringed: ReadonlyMap<DeviceId, number>;
}

/** Of a clip whose step does not say, s; as the action has it. */
const DEFAULT_BEFORE_S = 10;

/** The cameras of a bundle, and which of them rules may ask clips of. */
export function siteCameras({ devices, rules, zones }: Pick<Bundle, "devices" | "rules" | "zones">): SiteCameras {
  const cameras = devices.flatMap(({ id, kind }) => (kind.startsWith("camera") ? [id as DeviceId] : []));
  const known = new Set<string>(cameras);
  const ringed = new Map<DeviceId, number>();
  for (const rule of rules)
    for (const step of rule.then) {
      if (step.action !== "recordClip") continue;
      const { beforeS = DEFAULT_BEFORE_S } = step.params;
      const beforeMs = Number(beforeS) * 1000;
      for (const camera of reached(rule, step, zones))
        if (known.has(camera)) ringed.set(camera as DeviceId, Math.max(beforeMs, ringed.get(camera as DeviceId) ?? 0));
    }
  return { cameras, ringed };
}

/** Cameras that a step may name: its own, or those of the zones from which the rule can be triggered. */
function reached(rule: Rule, { params }: RuleStep, zones: readonly Zone[]): readonly string[] {
  const { camera } = params;
  if (typeof camera === "string") return [camera];
  const { when } = rule;
  if (typeof camera !== "object" || when.type === "point" || when.type === "deviceEvent") return [];
  return zones.flatMap((zone) => {
    const fits =
      (when.zone ?? zone.id) === zone.id &&
      (when.zoneKind ?? zone.kind) === zone.kind &&
      (when.partition ?? zone.partition) === zone.partition;
    return fits && zone.camera !== undefined ? [zone.camera] : [];
  });
}
