import path from "node:path";
import type { Clock } from "#core/clock.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { Violations } from "./broker/violations.ts";
import type { Db } from "./db/database.ts";
import { type RunningBroker, startBroker } from "./engines.ts";
import { GatewayCredentials } from "./gateways/credentials.ts";
import { MqttClients } from "./gateways/mqtt-clients.ts";
import { PasswordCheck } from "./gateways/password-check.ts";
import { ForeignNodes } from "./ingest/foreign-nodes.ts";
import type { AuditLog } from "./ports.ts";
import type { StoredCatalog } from "./site/catalog.ts";

/** The broker with those who may come in at it. */
export interface BrokerAccess {
  readonly running: RunningBroker;
  readonly credentials: GatewayCredentials;
  /** Hosts and edge nodes of other makers. */
  readonly mqttClients: MqttClients;
  readonly foreign: ForeignNodes;
  readonly violations: Violations;
}

/**
 * Starts the broker, open to the gateways of the site and to the foreign clients that an administrator has entered. Part of the
 * composition root.
 * @throws PORT_TAKEN, BROKER_URL
 */
export async function openBroker(deps: {
  /** Data folder, `$PARKHUB_DATA`. */
  readonly data: string;
  /** URL of an external broker; the embedded one listens at `mqtt` without it. */
  readonly url: string | undefined;
  readonly mqtt: { readonly host: string; readonly port: number };
  /** Name of this host application in Sparkplug's STATE topic. */
  readonly host: string;
  readonly db: Db;
  readonly catalog: StoredCatalog;
  readonly audit: AuditLog;
  readonly gatewayIds: () => readonly GatewayId[];
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<BrokerAccess> {
  const { data, url, mqtt, host, db, catalog, audit, gatewayIds, clock, logger } = deps;
  const passwords = new PasswordCheck();
  const credentials = new GatewayCredentials({ db, folder: path.join(data, "gateways"), clock, logger, passwords });
  await credentials.ensure(gatewayIds());
  const mqttClients = new MqttClients({ db, catalog, audit, clock, reserved: [host], passwords });
  const foreign = new ForeignNodes({ db, nodeOf: (id) => mqttClients.node(id), clock, logger });
  const violations = new Violations({ logger, audit, clock });
  const running = await startBroker({
    url,
    mqtt,
    site: catalog.site,
    host,
    authenticate: (username, password) => credentials.verify(username, password),
    foreignClient: (username, password) => mqttClients.verify(username, password),
    knows: (id) => gatewayIds().some((gateway) => gateway === id) || foreign.isForeign(id),
    violations,
    clock,
    logger: logger.child({ module: "broker" }),
  });
  return { running, credentials, mqttClients, foreign, violations };
}
