import { placeholderSources, resolveReferences } from "#config/references.ts";
import { schemaProblems } from "#config/yaml-file.ts";
import { definitionProblems } from "#core/alarm/definition-check.ts";
import { Bundle } from "#core/contracts/bundle.ts";
import { ruleProblems } from "#core/linkage/evaluate.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import { devicesOf } from "./bundle-plans.ts";
import type { DriverSource } from "./driver-modules.ts";
import { birthBytes, MAX_BIRTH_BYTES } from "./uplink-metrics.ts";

type Drivers = ReadonlyMap<string, Pick<DriverSource, "descriptor">>;

function sectionProblems(
  drivers: Drivers,
  protocol: string,
  part: "config" | "device" | "address",
  section: unknown,
): string[] {
  const descriptor = drivers.get(protocol)?.descriptor;
  if (descriptor === undefined)
    return [`expected one of the protocols ${[...drivers.keys()].join(", ")}, got ${protocol}`];
  return schemaProblems(descriptor[part], resolveReferences(section, placeholderSources)).map(({ text }) => text);
}

function duplicates(what: string, ids: readonly string[]): string[] {
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))].map((id) => `${what} ${id} is there twice`);
}

function channelProblems({ channels }: Bundle, drivers: Drivers): string[] {
  return channels.flatMap(({ id, protocol, config }) =>
    sectionProblems(drivers, protocol, "config", config).map((text) => `channel ${id} config: ${text}`),
  );
}

function deviceProblems({ site, gateway, channels, devices }: Bundle, drivers: Drivers): string[] {
  const byId = new Map(channels.map((channel) => [channel.id, channel]));
  return devices.flatMap((device) => {
    const { id, protocol } = device;
    const problems = sectionProblems(drivers, protocol, "device", device.config).map((text) => `config: ${text}`);
    const channel = byId.get(device.channel);
    if (!id.startsWith(`${site}/${gateway}/`) || id.split("/").length !== 3)
      problems.push(`expected an id ${site}/${gateway}/<device>`);
    if (channel === undefined) problems.push(`expected a channel of this gateway, got ${device.channel}`);
    else if (channel.protocol !== protocol)
      problems.push(`expected the protocol of its channel, ${channel.protocol}, got ${protocol}`);
    return problems.map((text) => `device ${id} ${text}`);
  });
}

function pointProblems({ devices, points }: Bundle, drivers: Drivers): string[] {
  const byId = new Map(devices.map((device) => [device.id, device]));
  return points.flatMap(({ id, address }) => {
    const device = byId.get(id.slice(0, id.lastIndexOf("/")));
    if (device === undefined) return [`point ${id} expected a device of this gateway`];
    return sectionProblems(drivers, device.protocol, "address", address).map((text) => `point ${id} address: ${text}`);
  });
}

function birthProblems(bundle: Bundle): string[] {
  return devicesOf(bundle).flatMap((device) => {
    const bytes = birthBytes(device);
    if (bytes <= MAX_BIRTH_BYTES) return [];
    const told = `expected points whose birth fits ${MAX_BIRTH_BYTES} bytes, got ${device.points.length} with ${bytes}`;
    return [`device ${device.device} ${told}: split the device`];
  });
}

function alarmProblems({ alarms, points, devices }: Bundle): string[] {
  const pointById = new Map(points.map((point) => [point.id, point]));
  const deviceIds = new Set(devices.map((device) => device.id));
  const alarmById = new Map(alarms.map((alarm) => [alarm.id, alarm]));
  return alarms.flatMap((alarm) =>
    definitionProblems(alarm, {
      point: (id) => pointById.get(id),
      device: (id) => deviceIds.has(id),
      definition: (id) => alarmById.get(id),
    }).map(({ path, expected, got }) => {
      const what = expected.replace(/^(a point|a device)$/, "$1 of this gateway");
      return `alarm ${alarm.id} ${path.join("/")} expected ${what}, got ${typeof got === "string" ? got : JSON.stringify(got)}`;
    }),
  );
}

/** A bundle that this gateway can run, or everything that is wrong with it. */
export type CheckedBundle = { readonly bundle: Bundle } | { readonly errors: readonly string[] };

/** Checks a bundle against its schema, this gateway's identity and every driver's own schemas. References need not resolve yet. */
export function checkBundle(value: unknown, self: { site: string; gateway: string }, drivers: Drivers): CheckedBundle {
  const shape = schemaProblems(Bundle, value).map(({ text }) => text);
  if (shape.length > 0) return { errors: shape };
  const bundle = value as Bundle;
  if (bundle.site !== self.site || bundle.gateway !== self.gateway)
    return { errors: [`expected a bundle for ${self.site}/${self.gateway}, got ${bundle.site}/${bundle.gateway}`] };
  const errors = [
    ...duplicates(
      "channel",
      bundle.channels.map(({ id }) => id),
    ),
    ...duplicates(
      "device",
      bundle.devices.map(({ id }) => id),
    ),
    ...duplicates(
      "point",
      bundle.points.map(({ id }) => id),
    ),
    ...duplicates(
      "alarm",
      bundle.alarms.map(({ id }) => id),
    ),
    ...duplicates(
      "rule",
      bundle.rules.map(({ id }) => id),
    ),
    ...channelProblems(bundle, drivers),
    ...deviceProblems(bundle, drivers),
    ...pointProblems(bundle, drivers),
    ...birthProblems(bundle),
    ...alarmProblems(bundle),
    ...bundle.rules.flatMap((rule) =>
      ruleProblems(rule, planSite(bundle.doors, bundle.spaces)).map((text) => `rule ${rule.id} ${text}`),
    ),
  ];
  return errors.length === 0 ? { bundle } : { errors };
}
