/**
 * Versions of the whole site, oldest first. The newest is the truth; files only seed an empty table. Retention: rows are kept for
 * ever; the document, which is large, of the newest 200.
 */
export interface SiteTables {
  site_versions: {
    version: number;
    at: number;
    actor: string;
    reason: string;
    /** What changed against the version before, as JSON: {added, removed, changed} lists of `<kind>/<id>`. */
    difference: string;
    /** The whole site as JSON (config/schema/site.ts `Site`); empty in old versions. */
    document: string;
  };
}
