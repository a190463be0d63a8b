import { createHash } from "node:crypto";
import { compileBundle } from "#config/compile-bundle.ts";
import type { Site } from "#config/schema/site.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import { HubError } from "#core/errors.ts";
import { type DeviceId, type GatewayId, gatewayOf } from "#core/ids.ts";
import { type Placement, placeRule } from "#core/linkage/placement.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Device } from "#core/model/device.ts";
import type { Door } from "#core/model/door.ts";
import type { Point } from "#core/model/point.ts";
import type { Partition, Space, Zone } from "#core/model/site.ts";
import type { SiteCatalog } from "../ports.ts";
import type { SiteVersion, SiteVersions } from "./versions.ts";

const byId = <T extends { readonly id: string }>(entries: readonly T[]): ReadonlyMap<string, T> =>
  new Map(entries.map((entry) => [entry.id, entry]));
const sorted = <T extends { readonly id: string }>(entries: readonly T[]): readonly T[] =>
  entries.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** Everything derived from one version of the site. */
interface Snapshot {
  readonly version: number;
  readonly site: Site;
  readonly devices: readonly Device[];
  readonly points: readonly Point[];
  readonly doors: readonly Door[];
  readonly channelById: ReadonlyMap<string, { readonly id: string; readonly protocol: string }>;
  readonly deviceById: ReadonlyMap<string, Device>;
  readonly pointById: ReadonlyMap<string, Point>;
  readonly alarmById: ReadonlyMap<string, AlarmDefinition>;
  readonly placements: ReadonlyMap<string, Placement>;
  readonly bundles: ReadonlyMap<GatewayId, { bundle: Bundle; sha256: string; text: string }>;
}

function derive({ version, site }: SiteVersion): Snapshot {
  const devices = sorted(site.devices);
  const points = sorted(site.points);
  const gateways = new Set(site.gateways.map(({ gateway }) => `${site.site}/${gateway}`));
  const placements = new Map(
    site.rules.map((rule) => {
      const placement = placeRule(rule, {
        zones: site.zones,
        definitions: site.alarms,
        devices: site.devices.map(({ id }) => id),
        site: planSite(site.doors, site.spaces),
        gatewayOf: (id) => {
          const gateway = gatewayOf(id as DeviceId);
          return gateways.has(gateway) ? gateway : undefined;
        },
      });
      return [rule.id, placement] as const;
    }),
  );
  const bundles = new Map(
    site.gateways.map(({ gateway }) => {
      const id = `${site.site}/${gateway}` as GatewayId;
      const placed = new Set([...placements].filter(([, { place }]) => place === id).map(([rule]) => rule));
      const bundle = compileBundle(site, gateway, version, placed);
      const text = JSON.stringify(bundle);
      return [id, { bundle, text, sha256: createHash("sha256").update(text).digest("hex") }] as const;
    }),
  );
  return {
    version,
    site,
    devices,
    points,
    doors: sorted(site.doors ?? []),
    channelById: byId(
      site.gateways.flatMap(({ gateway, channels }) =>
        channels.map(({ id, protocol }) => ({ id: `${site.site}/${gateway}/${id}`, protocol })),
      ),
    ),
    deviceById: byId(devices),
    pointById: byId(points),
    alarmById: byId(site.alarms),
    placements,
    bundles,
  };
}

/** The site as the database holds it, in memory, with all that follows from it: placements and bundles. */
export class StoredCatalog implements SiteCatalog {
  readonly #versions: SiteVersions;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #snapshot: Snapshot;

  private constructor(versions: SiteVersions, newest: SiteVersion, now: () => number) {
    this.#versions = versions;
    this.#now = now;
    this.#snapshot = derive(newest);
  }

  /** Opens the catalogue; `seed` is asked only when the database holds no site yet. */
  static open(versions: SiteVersions, seed: () => Site, now: () => number): StoredCatalog {
    const newest =
      versions.newest() ??
      versions.add(seed(), 0, { actor: "system", reason: "seeded from the site's files", at: now() });
    return new StoredCatalog(versions, newest, now);
  }

  get site(): string {
    return this.#snapshot.site.site;
  }
  get timeZone(): string {
    return this.#snapshot.site.timeZone;
  }
  get version(): number {
    return this.#snapshot.version;
  }
  /** The whole document, for export. */
  get document(): Site {
    return this.#snapshot.site;
  }
  spaces(): readonly Space[] {
    return this.#snapshot.site.spaces;
  }
  partitions(): readonly Partition[] {
    return this.#snapshot.site.partitions;
  }
  zones(): readonly Zone[] {
    return this.#snapshot.site.zones;
  }
  gateways(): readonly { id: GatewayId; name: string; nameEn: string }[] {
    return this.#snapshot.site.gateways.map(({ gateway, name, nameEn }) => ({
      id: `${this.site}/${gateway}` as GatewayId,
      name,
      nameEn,
    }));
  }
  devices(): readonly Device[] {
    return this.#snapshot.devices;
  }
  device(id: string): Device | undefined {
    return this.#snapshot.deviceById.get(id);
  }
  points(): readonly Point[] {
    return this.#snapshot.points;
  }
  point(id: string): Point | undefined {
    return this.#snapshot.pointById.get(id);
  }
  /** In the order of their ids. */
  doors(): readonly Door[] {
    return this.#snapshot.doors;
  }
  channel(id: string): { readonly id: string; readonly protocol: string } | undefined {
    return this.#snapshot.channelById.get(id);
  }
  rules(): readonly Rule[] {
    return this.#snapshot.site.rules;
  }
  /** Where a rule runs and why. */
  placement(rule: string): Placement | undefined {
    return this.#snapshot.placements.get(rule);
  }
  definition(id: string): AlarmDefinition | undefined {
    return this.#snapshot.alarmById.get(id);
  }
  /** All alarm definitions, the disabled ones too, in the order of the configuration. */
  alarms(): readonly AlarmDefinition[] {
    return this.#snapshot.site.alarms;
  }
  /** Profiles that definitions were seeded from, by the definition's id. */
  alarmProfiles(): Readonly<Record<string, string>> {
    return this.#snapshot.site.alarmProfiles ?? {};
  }
  alarmText(definition: string): { response?: string; responseEn?: string } | undefined {
    return this.#snapshot.alarmById.get(definition);
  }
  bundle(gateway: GatewayId): { bundle: Bundle; sha256: string; text: string } | undefined {
    return this.#snapshot.bundles.get(gateway);
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** A new version in which one rule is switched on or off. @throws RULE_UNKNOWN, SITE_VERSION_STALE */
  setRuleEnabled(id: string, enabled: boolean, actor: string): Rule {
    const { site, version } = this.#snapshot;
    const rule = site.rules.find((entry) => entry.id === id);
    if (rule === undefined) throw new HubError("RULE_UNKNOWN", `rule ${id}: no such rule`);
    if (rule.enabled === enabled) return rule;
    const changed = { ...rule, enabled };
    const rules = site.rules.map((entry) => (entry.id === id ? changed : entry));
    const reason = `rule ${id} ${enabled ? "enabled" : "disabled"}`;
    this.#snapshot = derive(this.#versions.add({ ...site, rules }, version, { actor, reason, at: this.#now() }));
    for (const listener of this.#listeners) listener();
    return changed;
  }

  /**
   * A new version with other alarm definitions; `also` runs in the transaction that stores it, and what it throws undoes it. Not
   * inside another transaction: what is derived from the version holds from here on.
   * @throws SITE_VERSION_STALE
   */
  setAlarms(
    alarms: readonly AlarmDefinition[],
    who: { readonly actor: string; readonly reason: string },
    also: (version: number) => void,
  ): void {
    const { site, version } = this.#snapshot;
    const at = this.#now();
    // Derived first: a version that cannot be used must not be stored.
    const next = derive({ version: version + 1, site: { ...site, alarms: [...alarms] }, at, ...who });
    this.#versions.add(next.site, version, { ...who, at }, also);
    this.#snapshot = next;
    for (const listener of this.#listeners) listener();
  }
}
