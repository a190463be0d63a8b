import { mkdirSync } from "node:fs";
import path from "node:path";
import { openDatabase } from "#cloud/db/database.ts";
import { StoredCatalog } from "#cloud/site/catalog.ts";
import { SiteVersions } from "#cloud/site/versions.ts";
import { loadSite } from "#config/load-site.ts";
import type { Site } from "#config/schema/site.ts";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { driverByKind } from "#protocols/registry.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** The site of a park under test, made of the demo park's. */
export type SiteChange = (site: Site) => Site;

/**
 * Puts a site of its own into an empty record database, before the cloud has seen it: the database is the truth, and the files
 * are asked only where it holds no site. `records` is a URL, or absent for the embedded database of the data folder.
 */
export async function seedSite(data: string, change: SiteChange, records?: string): Promise<void> {
  mkdirSync(path.join(data, "cloud"), { recursive: true });
  const db = await openDatabase(records ?? path.join(data, "cloud", "records.db"), silentLogger);
  try {
    const seed = (): Site =>
      change(loadSite(path.join(root, "config/sites/demo-park"), path.join(root, "config/profiles"), driverByKind));
    StoredCatalog.open(new SiteVersions(db), seed, () => systemClock.now());
  } finally {
    await db.close();
  }
}

/** Clips of so many seconds before and after what they show, in place of the action's own. */
export function clipsOf(beforeS: number, afterS: number): SiteChange {
  return (site) => ({
    ...site,
    rules: site.rules.map((rule) => ({
      ...rule,
      then: rule.then.map((step) =>
        step.action === "recordClip" ? { ...step, params: { ...step.params, beforeS, afterS } } : step,
      ),
    })),
  });
}

/** Other fields in the section of a device. `slot` is the last part of its id. */
export function deviceConfig(slot: string, config: object): SiteChange {
  return (site) => ({
    ...site,
    devices: site.devices.map((device) =>
      device.id.endsWith(`/${slot}`) ? { ...device, config: { ...(device.config as object), ...config } } : device,
    ),
  });
}
