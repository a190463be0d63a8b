import { afterEach, describe } from "vitest";
import { recordsOnPostgres } from "#tests/fixtures/cloud/record-databases.ts";
import { peer } from "#tests/peers.ts";
import { recordsContract } from "./records.ts";

/** The tests of everything that keeps records, on PostgreSQL. The same files run on SQLite where they lie. */
const SUITES: Readonly<Record<string, () => Promise<unknown>>> = {
  "acts on alarms": () => import("../unit/cloud/alarms/acts.test.ts"),
  "acts on many alarms": () => import("../unit/cloud/alarms/acts-on-many.test.ts"),
  "operations on alarms": () => import("../unit/cloud/alarms/operations.test.ts"),
  "escalation of alarms": () => import("../unit/cloud/alarms/escalation.test.ts"),
  "maintenance permits": () => import("../unit/cloud/maintenance/permits.test.ts"),
  "alarms of the hub itself": () => import("../unit/cloud/system-health.test.ts"),
  "folding of alarms": () => import("../unit/cloud/alarms/folding.test.ts"),
  "the watch over gateways": () => import("../unit/cloud/alarms/gateway-watch.test.ts"),
  "the chain of the journal": () => import("../unit/cloud/journal/journal-chain.test.ts"),
  "the search in the journal": () => import("../unit/cloud/journal/journal-search.test.ts"),
  "the retention of the journal": () => import("../unit/cloud/journal/journal-retention.test.ts"),
  "the load of the operators": () => import("../unit/cloud/quality/flood-watch.test.ts"),
  "the journal as the key figures read it": () => import("../unit/cloud/quality/journal-rows.test.ts"),
  "media of alarms": () => import("../unit/cloud/alarms/media.test.ts"),
  "the copying of records": () => import("../unit/cloud/db/copy-records.test.ts"),
  "the audit log": () => import("../unit/cloud/audit/log.test.ts"),
  "access rights": () => import("../unit/cloud/auth/authority.test.ts"),
  "the first administrator": () => import("../unit/cloud/auth/first-administrator.test.ts"),
  "sign-in": () => import("../unit/cloud/auth/service.test.ts"),
  sessions: () => import("../unit/cloud/auth/sessions.test.ts"),
  "retention of blobs": () => import("../unit/cloud/blobs/retention.test.ts"),
  blobs: () => import("../unit/cloud/blobs/store.test.ts"),
  commands: () => import("../unit/cloud/commands/commands.test.ts"),
  "findings of ingest": () => import("../unit/cloud/completeness/findings.test.ts"),
  "daily statements": () => import("../unit/cloud/completeness/statements.test.ts"),
  "alarm definitions": () => import("../unit/cloud/definitions/definitions.test.ts"),
  "response procedures": () => import("../unit/cloud/procedures/procedures.test.ts"),
  certificates: () => import("../unit/cloud/gateways/certificates.test.ts"),
  "credentials of gateways": () => import("../unit/cloud/gateways/credentials.test.ts"),
  "MQTT clients": () => import("../unit/cloud/gateways/mqtt-clients.test.ts"),
  "cursors of lanes": () => import("../unit/cloud/ingest/cursors.test.ts"),
  "points of foreign nodes": () => import("../unit/cloud/ingest/foreign-nodes.test.ts"),
  gaps: () => import("../unit/cloud/ingest/gaps.test.ts"),
  presence: () => import("../unit/cloud/ingest/presence.test.ts"),
  "retention of records": () => import("../unit/cloud/jobs/records-retention.test.ts"),
  "doors and clips": () => import("../unit/cloud/linkage/doors-and-clips.test.ts"),
  linkage: () => import("../unit/cloud/linkage/linkage.test.ts"),
  "device events": () => import("../unit/cloud/notices/device-events.test.ts"),
  notices: () => import("../unit/cloud/notices/notices.test.ts"),
  "the site": () => import("../unit/cloud/site/catalog.test.ts"),
  "kept values": () => import("../unit/cloud/state/kept-values.test.ts"),
};

const program = peer("postgres");

describe.skipIf(program === undefined)("on PostgreSQL", () => {
  recordsOnPostgres(program ?? "");
  describe("the record database", () => {
    let files = 0;
    recordsContract(() => `files-${files}`);
    afterEach(() => {
      files++;
    });
  });
  for (const [name, load] of Object.entries(SUITES))
    describe(name, async () => {
      await load();
    });
});
