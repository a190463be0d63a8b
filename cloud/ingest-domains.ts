import path from "node:path";
import type { Clock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Findings } from "./completeness/findings.ts";
import { CompletenessReports } from "./completeness/service.ts";
import { StatementSigner } from "./completeness/signer.ts";
import { Statements } from "./completeness/statements.ts";
import type { Db } from "./db/database.ts";
import type { Domains } from "./domains.ts";
import type { GatewayCredentials } from "./gateways/credentials.ts";
import { CloudGatewayService } from "./gateways/service.ts";
import type { ForeignNodes } from "./ingest/foreign-nodes.ts";
import type { MqttGatewayLink } from "./ingest/gateway-link.ts";
import { Ingest } from "./ingest/ingest.ts";
import type { Presence } from "./ingest/presence.ts";
import type { Broker, LiveBus } from "./ports.ts";
import { sinksOf } from "./sinks.ts";
import type { StoredCatalog } from "./site/catalog.ts";
import type { PointDirectory, TelemetryStore } from "./telemetry-ports.ts";

/** Ingest and what is told from its cursors. */
export interface IngestDomains {
  readonly ingest: Ingest;
  readonly signer: StatementSigner;
  readonly completeness: CompletenessReports;
  readonly gateways: CloudGatewayService;
}

/**
 * Ingest over all domains, with what its cursors prove: the gateways as people see them and the statements that nothing is missing.
 * Part of the composition root.
 */
export function buildIngest(
  domains: Domains,
  parts: {
    /** Data folder, `$PARKHUB_DATA`. */
    readonly data: string;
    /** Name of this host application in Sparkplug's STATE topic. */
    readonly host: string;
    readonly db: Db;
    readonly catalog: StoredCatalog;
    readonly gatewayIds: () => readonly GatewayId[];
    readonly store: TelemetryStore;
    readonly points: PointDirectory;
    readonly broker: Broker;
    readonly presence: Presence;
    readonly link: MqttGatewayLink;
    readonly findings: Findings;
    readonly foreign: ForeignNodes;
    readonly credentials: GatewayCredentials;
    readonly bus: LiveBus;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): IngestDomains {
  const { data, host, db, catalog, store, points, broker, presence, link, findings, clock, logger } = parts;
  const ingest: Ingest = new Ingest({
    db,
    store,
    points,
    broker,
    presence,
    link,
    sinks: sinksOf({ ...domains, gatewayChanged: (gateway) => gateways.publish(gateway) }),
    watch: findings,
    foreign: parts.foreign,
    clock,
    logger: logger.child({ module: "ingest" }),
    host,
  });
  const signer = new StatementSigner(path.join(data, "cloud", "statement-key.pem"));
  const statements = new Statements({
    db,
    store,
    signer,
    site: catalog.site,
    timeZone: catalog.timeZone,
    standsOf: (gateway) => ingest.cursors.of(gateway),
    lostOf: (gateway) => ingest.gaps.of(gateway),
    findings,
    clock,
    logger,
  });
  const completeness = new CompletenessReports({ findings, statements, gateways: parts.gatewayIds });
  const { credentials, bus } = parts;
  const gateways = new CloudGatewayService({ catalog, knowledge: ingest, presence, store, credentials, bus });
  ingest.onChange((gateway) => gateways.publish(gateway));
  return { ingest, signer, completeness, gateways };
}
