import type { SiteFiles } from "./site-files.ts";

/**
 * Which definitions of a site come from a profile, by their id: those of its profile that a device does not replace by its own.
 * The console tells it, so that people know that the same definition stands on other devices too.
 */
export function alarmProfiles({ devices, profiles }: SiteFiles): Readonly<Record<string, string>> {
  const known = new Map(profiles.map(({ value }) => [value.profile, value.alarms ?? []]));
  return Object.fromEntries(
    devices.flatMap(({ value }) =>
      value.devices.flatMap(({ id, profile, alarms }) => {
        if (profile === undefined) return [];
        const own = new Set((alarms ?? []).map((alarm) => alarm.id));
        const taken = (known.get(profile) ?? []).filter((alarm) => !own.has(alarm.id));
        return taken.map((alarm): [string, string] => [`${id}.${alarm.id}`, profile]);
      }),
    ),
  );
}
