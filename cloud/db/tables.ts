import type { JournalTables } from "../alarms/journal-tables.ts";
import type { AlarmTables } from "../alarms/tables.ts";
import type { AuditTables } from "../audit/tables.ts";
import type { AccessTables } from "../auth/tables.ts";
import type { BlobTables } from "../blobs/tables.ts";
import type { CommandTables } from "../commands/tables.ts";
import type { CompletenessTables } from "../completeness/tables.ts";
import type { DefinitionTables } from "../definitions/tables.ts";
import type { CertificateTables, MqttClientTables } from "../gateways/tables.ts";
import type { StoredRangeTables } from "../history/influx/tables.ts";
import type { IngestTables } from "../ingest/tables.ts";
import type { JobTables } from "../jobs/tables.ts";
import type { LinkageTables } from "../linkage/tables.ts";
import type { MaintenanceTables } from "../maintenance/tables.ts";
import type { NoticeTables } from "../notices/tables.ts";
import type { NotifyTables } from "../notify/tables.ts";
import type { ProcedureTables } from "../procedures/tables.ts";
import type { QualityTables } from "../quality/tables.ts";
import type { ShiftTables } from "../shifts/tables.ts";
import type { SiteTables } from "../site/tables.ts";
import type { StateTables } from "../state/tables.ts";

/**
 * Every table of the record database. Each domain declares its own rows in `<domain>/tables.ts` (types only, no
 * imports of other domains) and is named here. Columns are snake_case; times are Unix ms; JSON is text; booleans are
 * 0 and 1.
 */
export interface Tables
  extends IngestTables,
    SiteTables,
    StateTables,
    AccessTables,
    AuditTables,
    AlarmTables,
    BlobTables,
    CertificateTables,
    CommandTables,
    CompletenessTables,
    DefinitionTables,
    JobTables,
    JournalTables,
    LinkageTables,
    MaintenanceTables,
    MqttClientTables,
    NoticeTables,
    NotifyTables,
    QualityTables,
    ShiftTables,
    ProcedureTables,
    StoredRangeTables {}
