import type { AuditTables } from "../audit/tables.ts";
import type { AccessTables } from "../auth/tables.ts";
import type { IngestTables } from "../ingest/tables.ts";
import type { SiteTables } from "../site/tables.ts";

/**
 * Every table of the record database. Each domain declares its own rows in `<domain>/tables.ts` (types only, no
 * imports of other domains) and is named here. Columns are snake_case; times are Unix ms; JSON is text; booleans are
 * 0 and 1.
 */
export interface Tables extends IngestTables, SiteTables, AccessTables, AuditTables {}
