import type { TSchema } from "typebox";
import { errorMessage } from "#core/errors.ts";
import type { PlanSite } from "#core/linkage/action.ts";
import { actionByKind } from "#core/linkage/actions/index.ts";
import { ruleProblems } from "#core/linkage/evaluate.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { Device } from "#core/model/device.ts";
import type { Door } from "#core/model/door.ts";
import type { Point } from "#core/model/point.ts";
import type { Zone } from "#core/model/site.ts";
import { AlarmExpansion } from "./expand-alarms.ts";
import { fillParameters, placeholderSources, resolveReferences } from "./references.ts";
import type { DeviceEntry, GatewayFile, PointEntry, ProfileFile, Site } from "./schema/site.ts";
import type { Loaded, Origin, ProtocolSchemas, SiteFiles } from "./site-files.ts";
import { type PathStep, schemaProblems, showPath } from "./yaml-file.ts";

const FILTERS = ["definition", "partition", "zone"] as const;
const POINT_PARAMS = new Set(["point"]);
const DEVICE_PARAMS = new Set(["camera", "device"]);

/** Turns checked files into one Site: profiles filled in, ids complete, every reference followed. Faults go to `problems`. */
export class Expansion {
  readonly #files: SiteFiles;
  readonly #protocols: ReadonlyMap<string, ProtocolSchemas>;
  readonly #problems: string[];
  readonly #site: string;
  readonly #devices = new Map<string, Device>();
  readonly #points = new Map<string, Point>();
  readonly #alarms: AlarmExpansion;
  /** Ids of devices and points in lower case. */
  readonly #folded = new Set<string>();
  readonly #spaces: ReadonlySet<string>;
  readonly #partitions: ReadonlySet<string>;
  readonly #zones: ReadonlySet<string>;

  constructor(files: SiteFiles, protocols: ReadonlyMap<string, ProtocolSchemas>, problems: string[]) {
    this.#files = files;
    this.#protocols = protocols;
    this.#problems = problems;
    this.#site = files.site.value.site;
    const { spaces, partitions, zones } = files.site.value;
    this.#spaces = new Set(spaces.map(({ id }) => id));
    this.#partitions = new Set(partitions.map(({ id }) => id));
    this.#zones = new Set(zones.map(({ id }) => id));
    this.#alarms = new AlarmExpansion({
      site: this.#site,
      zones: this.#zones,
      points: this.#points,
      devices: this.#devices,
      checkSpace: (origin, steps, space) => this.#checkSpace(origin, steps, space),
      fault: (origin, steps, expected, got) => this.#fault(origin, steps, expected, got),
    });
  }

  expand(): Site {
    this.#checkPlaces();
    for (const gateway of this.#files.gateways) this.#checkGateway(gateway);
    for (const { file, value } of this.#files.devices)
      for (const [i, entry] of value.devices.entries()) this.#addDevice(entry, { file, path: ["devices", i] });
    for (const { file, value } of this.#files.alarms)
      for (const [i, alarm] of value.alarms.entries()) this.#alarms.add(alarm, { file, path: ["alarms", i] });
    this.#alarms.check();
    const zones = this.#files.site.value.zones.map((zone, i) =>
      this.#zone(zone, { file: this.#files.site.file, path: ["zones", i] }),
    );
    const doors = this.#files.site.value.doors?.map((door, i) =>
      this.#door(door, { file: this.#files.site.file, path: ["doors", i] }),
    );
    return {
      ...this.#files.site.value,
      zones,
      ...(doors === undefined ? {} : { doors }),
      gateways: this.#files.gateways.map((gateway) => gateway.value),
      devices: [...this.#devices.values()],
      points: [...this.#points.values()],
      alarms: [...this.#alarms.all.values()],
      rules: this.#rules(doors),
    };
  }

  #absolute(reference: string): string {
    return `${this.#site}/${reference}`;
  }

  /** Is the id in use, also in other upper and lower case? It is from now on. [Sparkplug tck-id-case-sensitivity-sparkplug-ids] */
  #taken(id: string): boolean {
    const before = this.#folded.size;
    return this.#folded.add(id.toLowerCase()).size === before;
  }

  #fault(origin: Origin, steps: readonly PathStep[], expected: string, got: unknown): void {
    const path = [...origin.path, ...steps];
    this.#problems.push(
      `${origin.file.where(path)} ${showPath(path)} expected ${expected}, got ${JSON.stringify(got) ?? "nothing"}`,
    );
  }

  #checkSection(origin: Origin, steps: readonly PathStep[], schema: TSchema, section: unknown): void {
    let resolved: unknown;
    try {
      resolved = resolveReferences(section, placeholderSources);
    } catch (error) {
      this.#fault(origin, steps, "known references", errorMessage(error));
      return;
    }
    for (const problem of schemaProblems(schema, resolved)) {
      const path = [...origin.path, ...steps];
      const text = problem.text.replace(/^\S+/, (inner) => showPath(path) + (inner === "/" ? "" : inner));
      this.#problems.push(`${origin.file.where([...path, ...problem.path])} ${text}`);
    }
  }

  #checkPlaces(): void {
    const { file, value } = this.#files.site;
    const origin = { file, path: [] };
    for (const list of ["spaces", "partitions", "zones", "doors"] as const) {
      const seen = new Set<string>();
      for (const [i, { id }] of (value[list] ?? []).entries()) {
        if (seen.has(id)) this.#fault(origin, [list, i, "id"], "an id used once", id);
        seen.add(id);
      }
    }
    for (const [i, space] of value.spaces.entries())
      if (space.parent !== undefined && !this.#spaces.has(space.parent))
        this.#fault(origin, ["spaces", i, "parent"], "the id of a space", space.parent);
    for (const [i, partition] of value.partitions.entries())
      this.#checkSpace(origin, ["partitions", i, "space"], partition.space);
  }

  #checkSpace(origin: Origin, steps: readonly PathStep[], space: string | undefined): void {
    if (space !== undefined && !this.#spaces.has(space)) this.#fault(origin, steps, "the id of a space", space);
  }

  #checkGateway({ file, value }: Loaded<GatewayFile>): void {
    const origin = { file, path: [] };
    this.#checkSpace(origin, ["space"], value.space);
    const folded = value.gateway.toLowerCase();
    if (this.#files.gateways.some((other) => other.file !== file && other.value.gateway.toLowerCase() === folded))
      this.#fault(origin, ["gateway"], "an id used by one gateway file", value.gateway);
    for (const [i, channel] of value.channels.entries()) {
      const schemas = this.#protocols.get(channel.protocol);
      if (schemas) this.#checkSection(origin, ["channels", i, "config"], schemas.config, channel.config);
      else
        this.#fault(
          origin,
          ["channels", i, "protocol"],
          `one of ${[...this.#protocols.keys()].join(", ")}`,
          channel.protocol,
        );
    }
  }

  #addDevice(entry: DeviceEntry, origin: Origin): void {
    const id = this.#absolute(`${entry.gateway}/${entry.id}`);
    const gateway = this.#files.gateways.find((g) => g.value.gateway === entry.gateway)?.value;
    if (gateway === undefined) {
      this.#fault(origin, ["gateway"], "the id of a gateway file", entry.gateway);
      return;
    }
    const channel = gateway.channels.find((c) => c.id === entry.channel);
    if (channel === undefined) {
      this.#fault(origin, ["channel"], `a channel of ${entry.gateway}`, entry.channel);
      return;
    }
    if (this.#taken(id)) {
      this.#fault(origin, ["id"], "an id used once in its gateway", entry.id);
      return;
    }
    this.#checkSpace(origin, ["space"], entry.space);

    const profile = this.#files.profiles.find((p) => p.value.profile === entry.profile);
    if (entry.profile !== undefined && profile === undefined) {
      this.#fault(origin, ["profile"], "the name of a profile in config/profiles", entry.profile);
      return;
    }
    if (profile && profile.value.protocol !== channel.protocol)
      this.#fault(
        origin,
        ["profile"],
        `a profile for ${channel.protocol}`,
        `${profile.value.profile} (${profile.value.protocol})`,
      );
    const kind = entry.kind ?? profile?.value.kind;
    if (kind === undefined) {
      this.#fault(origin, ["kind"], "a kind, here or in a profile", undefined);
      return;
    }

    const schemas = this.#protocols.get(channel.protocol);
    if (schemas) this.#checkSection(origin, ["config"], schemas.device, entry.config);
    this.#devices.set(id, {
      id,
      channel: entry.channel,
      protocol: channel.protocol,
      name: entry.name,
      nameEn: entry.nameEn,
      space: entry.space,
      kind,
      config: entry.config,
    });
    this.#addPoints(entry, id, origin, profile, schemas);
    const own = new Set(entry.alarms?.map((alarm) => alarm.id));
    for (const [i, alarm] of (profile?.value.alarms ?? []).entries())
      if (profile && !own.has(alarm.id))
        this.#alarms.addOfDevice(this.#filled(alarm, "condition", entry, origin), entry, {
          file: profile.file,
          path: ["alarms", i],
        });
    for (const [i, alarm] of (entry.alarms ?? []).entries())
      this.#alarms.addOfDevice(alarm, entry, { file: origin.file, path: [...origin.path, "alarms", i] });
  }

  #addPoints(
    entry: DeviceEntry,
    device: string,
    origin: Origin,
    profile: Loaded<ProfileFile> | undefined,
    schemas: ProtocolSchemas | undefined,
  ): void {
    const own = new Set(entry.points?.map((point) => point.id));
    const add = (point: PointEntry, from: Origin): void => {
      const id = `${device}/${point.id}`;
      if (this.#taken(id)) {
        this.#fault(from, ["id"], "a point id used once in its device", point.id);
        return;
      }
      this.#checkSpace(from, ["space"], point.space);
      if (schemas) this.#checkSection(from, ["address"], schemas.address, point.address);
      const equip = point.equip ?? entry.equip;
      this.#points.set(id, {
        ...point,
        id,
        space: point.space ?? entry.space,
        tags: point.tags ?? [],
        writable: point.writable ?? false,
        revision: point.revision ?? 1,
        ...(equip === undefined ? {} : { equip }),
      });
    };
    for (const [i, point] of (profile?.value.points ?? []).entries())
      if (profile && !own.has(point.id))
        add(this.#filled(point, "address", entry, origin), { file: profile.file, path: ["points", i] });
    for (const [i, point] of (entry.points ?? []).entries())
      add(point, { file: origin.file, path: [...origin.path, "points", i] });
  }

  /** An entry of a profile with the device's parameters in the named part. */
  #filled<T, K extends keyof T>(part: T, key: K, entry: DeviceEntry, origin: Origin): T {
    try {
      return { ...part, [key]: fillParameters(part[key], entry.parameters ?? {}) };
    } catch (error) {
      this.#fault(origin, ["parameters"], "every parameter of the profile", errorMessage(error));
      return part;
    }
  }

  #zone(zone: Zone, origin: Origin): Zone {
    this.#checkSpace(origin, ["space"], zone.space);
    if (!this.#partitions.has(zone.partition))
      this.#fault(origin, ["partition"], "the id of a partition", zone.partition);
    const camera = zone.camera === undefined ? {} : { camera: this.#deviceReference(zone.camera, origin, ["camera"]) };
    const light = zone.light === undefined ? undefined : this.#absolute(zone.light);
    if (light !== undefined && !this.#points.get(light)?.writable)
      this.#fault(origin, ["light"], "a writable point", zone.light);
    return { ...zone, ...camera, ...(light === undefined ? {} : { light }) };
  }

  #door(door: Door, origin: Origin): Door {
    this.#checkSpace(origin, ["space"], door.space);
    const device = this.#deviceReference(door.device, origin, ["device"]);
    const points = (["mode", "physicalState", "alarmState"] as const).map((name): Partial<Door> => {
      const reference = door[name];
      if (reference === undefined) return {};
      const point = this.#pointReference(reference, origin, [name]);
      if (this.#points.has(point) && !point.startsWith(`${device}/`))
        this.#fault(origin, [name], "a point of the door's controller", reference);
      return { [name]: point };
    });
    const camera = door.camera === undefined ? {} : { camera: this.#deviceReference(door.camera, origin, ["camera"]) };
    return Object.assign({}, door, { device }, ...points, camera);
  }

  #pointReference(reference: string, origin: Origin, steps: readonly PathStep[]): string {
    const id = this.#absolute(reference);
    if (!this.#points.has(id)) this.#fault(origin, steps, "a point", reference);
    return id;
  }

  #deviceReference(reference: string, origin: Origin, steps: readonly PathStep[]): string {
    const id = this.#absolute(reference);
    if (!this.#devices.has(id)) this.#fault(origin, steps, "a device", reference);
    return id;
  }

  #rules(doors: readonly Door[] | undefined): Rule[] {
    const places = planSite(doors, this.#files.site.value.spaces);
    const seen = new Set<string>();
    return this.#files.rules.flatMap(({ file, value }) =>
      value.rules.map((rule, i) => {
        const origin = { file, path: ["rules", i] };
        if (seen.has(rule.id)) this.#fault(origin, ["id"], "a rule id used once", rule.id);
        seen.add(rule.id);
        return this.#rule(rule, origin, places);
      }),
    );
  }

  #rule(rule: Rule, origin: Origin, places: PlanSite): Rule {
    const before = this.#problems.length;
    const when = { ...rule.when };
    if (when.type === "point") when.point = this.#pointReference(when.point, origin, ["when", "point"]);
    if (when.type === "deviceEvent" && when.device !== undefined)
      when.device = this.#deviceReference(when.device, origin, ["when", "device"]);
    if (when.type !== "point" && when.type !== "deviceEvent") this.#checkFilter(when, origin);
    const groups = rule.if?.map((group, g) => ({
      ...group,
      tests: group.tests.map((test, t) =>
        test.type === "point"
          ? { ...test, point: this.#pointReference(test.point, origin, ["if", g, "tests", t, "point"]) }
          : test,
      ),
    }));
    const steps = rule.then.map((step, s) => ({ ...step, params: this.#params(step, s, origin) }));
    const expanded = { ...rule, when, ...(groups === undefined ? {} : { if: groups }), then: steps };
    // what a wrong reference would only tell a second time is left out
    if (this.#problems.length === before)
      for (const problem of ruleProblems(expanded, places))
        this.#problems.push(`${origin.file.where([...origin.path, "then"])} ${showPath(origin.path)} ${problem}`);
    return expanded;
  }

  /** A filter that no alarm passes makes a rule that never fires. Definitions with a colon are minted by gateways. */
  #checkFilter(when: { readonly [name in (typeof FILTERS)[number]]?: string }, origin: Origin): void {
    const known = { definition: this.#alarms.all, partition: this.#partitions, zone: this.#zones };
    for (const name of FILTERS) {
      const id = when[name];
      if (id !== undefined && !id.includes(":") && !known[name].has(id))
        this.#fault(origin, ["when", name], `the id of a ${name}`, id);
    }
  }

  #params(step: Rule["then"][number], index: number, origin: Origin): Rule["then"][number]["params"] {
    if (!actionByKind.has(step.action))
      this.#fault(origin, ["then", index, "action"], `one of ${[...actionByKind.keys()].join(", ")}`, step.action);
    const at = (key: string): PathStep[] => ["then", index, "params", key];
    return Object.fromEntries(
      Object.entries(step.params).map(([key, value]) => {
        if (typeof value !== "string") return [key, value];
        if (POINT_PARAMS.has(key)) return [key, this.#pointReference(value, origin, at(key))];
        if (DEVICE_PARAMS.has(key)) return [key, this.#deviceReference(value, origin, at(key))];
        return [key, value];
      }),
    );
  }
}
