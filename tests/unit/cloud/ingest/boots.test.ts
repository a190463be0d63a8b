import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { GatewayBoots } from "#cloud/ingest/boots.ts";
import { LaneCursors } from "#cloud/ingest/cursors.ts";
import type { GatewayLink } from "#cloud/ports.ts";
import type { IngestFinding } from "#cloud/telemetry-ports.ts";
import { BOOT_METRIC, formatBoot } from "#core/contracts/boot.ts";
import type { Ack } from "#core/contracts/lanes.ts";
import { gatewayId, newEpoch } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const GATEWAY = gatewayId("park/gw-1");
const ONE = "1".repeat(16);
const TWO = "2".repeat(16);
const NEW_EPOCH = Number.MAX_SAFE_INTEGER;

let db: Db;
let boots: GatewayBoots;
let cursors: LaneCursors;
let told: Ack[] = [];
let findings: IngestFinding[] = [];
let epoch = "";

beforeEach(async () => {
  db = await openRecords(":memory:");
  told = [];
  findings = [];
  epoch = newEpoch();
  const watch = { found: (_gateway: string, finding: IngestFinding) => findings.push(finding) };
  cursors = new LaneCursors(db, new ManualClock(1_790_000_000_000), watch);
  const link: Pick<GatewayLink, "sendAck"> = { sendAck: (_gateway, ack) => told.push(ack) };
  boots = new GatewayBoots({ cursors, link: link as GatewayLink, watch, logger: silentLogger });
});
afterEach(() => db.close());

/** What a run of an epoch is told of its telemetry at its birth. */
function born(nonce: string, of = epoch): number | undefined {
  told = [];
  boots.born(GATEWAY, [{ name: BOOT_METRIC, value: formatBoot({ nonce, epoch: of }) }]);
  return told.find(({ lane }) => lane === "telemetry")?.upTo;
}

describe("the birth of a gateway", () => {
  it("is told how far each lane is stored, and so is a restart", () => {
    cursors.change(
      (changes) => changes.store({ gateway: GATEWAY, lane: "telemetry", epoch }, { from: 1, to: 10 }).length,
    );
    expect(born(ONE)).toBe(10);
    expect(born(ONE)).toBe(10);
    expect(born(TWO)).toBe(10);
    expect(told.every(({ hello }) => hello === true)).toBe(true);
    expect(boots.copiesOf(GATEWAY)).toBe(0);
  });

  it("of one of two copies is told to take a new epoch at each birth until it has one: the word may be lost on the way", () => {
    born(ONE);
    born(TWO);
    expect(born(ONE)).toBe(NEW_EPOCH);
    expect(born(ONE), "it has not heard it").toBe(NEW_EPOCH);
    const own = newEpoch();
    expect(born(ONE, own)).toBe(0);
    expect(findings.map(({ kind }) => kind)).toEqual(["clone", "clone"]);
    expect(born(ONE, own)).toBe(0);
  });

  it("keeps no more runs in mind than can live at once", () => {
    for (let run = 0; run < 200; run++) {
      const nonce = run.toString(16).padStart(16, "0");
      born(nonce);
      born(ONE);
    }
    expect(boots.remembered(GATEWAY)).toBeLessThanOrEqual(40);
  });
});
