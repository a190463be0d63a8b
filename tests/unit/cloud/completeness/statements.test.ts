import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LaneStand, LostRange } from "#cloud/completeness/account.ts";
import { StatementSigner } from "#cloud/completeness/signer.ts";
import { Statements } from "#cloud/completeness/statements.ts";
import type { Db } from "#cloud/db/database.ts";
import { canonicalJson } from "#core/contracts/completeness.ts";
import { gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const GATEWAY = gatewayId("park/gw-1");
const EPOCH = "0123456789abcdef0123456789abcdef";
let folder: string;
let clock: ManualClock;
let db: Db;
let signer: StatementSigner;
let stands: LaneStand[];
let stored: { epoch: string; from: number; to: number }[];
let lost: (LostRange & { lane: string; epoch: string })[];
let statements: Statements;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-statements-"));
  clock = new ManualClock(Date.parse("2026-11-21T16:05:00Z"));
  db = await openRecords(":memory:");
  signer = new StatementSigner(path.join(folder, "statement-key.pem"));
  stands = [{ lane: "telemetry", epoch: EPOCH, from: 1, upTo: 1000, covered: [{ from: 1, to: 1000 }] }];
  stored = [{ epoch: EPOCH, from: 1, to: 990 }];
  lost = [{ lane: "telemetry", epoch: EPOCH, from: 991, to: 1000, reason: "cap" }];
  statements = new Statements({
    db,
    store: { ranges: () => Promise.resolve(stored) },
    signer,
    site: "park",
    timeZone: "Asia/Shanghai",
    standsOf: () => stands,
    lostOf: () => lost,
    findings: { counts: () => ({ gap: 1 }) },
    clock,
    logger: silentLogger,
  });
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

const nextDay = (): void => clock.advance(24 * 3_600_000);

describe("the statement of a day", () => {
  it("says how much was numbered, stored and lost, and why", async () => {
    const { statement } = await statements.close(GATEWAY, "2026-11-21");
    expect(statement).toMatchObject({
      gateway: GATEWAY,
      day: "2026-11-21",
      from: null,
      numbered: 1000,
      stored: 990,
      lost: 10,
      missing: 0,
      provisional: false,
      previous: null,
      findings: { gap: 1 },
      lanes: [{ gaps: [{ from: 991, to: 1000, reason: "cap" }] }],
    });
  });

  it("tells what the cursor believes stored and the store does not have", async () => {
    stored = [{ epoch: EPOCH, from: 1, to: 980 }];
    const { statement } = await statements.close(GATEWAY, "2026-11-21");
    expect(statement).toMatchObject({ stored: 980, lost: 10, missing: 10 });
  });

  it("can be checked by anyone who has the public key", async () => {
    const { statement, signature, key } = await statements.close(GATEWAY, "2026-11-21");
    expect(statements.key).toMatchObject({ key, algorithm: "Ed25519" });
    const publicKey = createPublicKey(statements.key.publicKey);
    const bytes = Buffer.from(canonicalJson(statement));
    expect(verify(null, bytes, publicKey, Buffer.from(signature, "base64"))).toBe(true);
    const changed = Buffer.from(canonicalJson({ ...statement, lost: 0 }));
    expect(verify(null, changed, publicKey, Buffer.from(signature, "base64"))).toBe(false);
  });

  it("goes on exactly where the one before ended, and is chained to it", async () => {
    const first = await statements.close(GATEWAY, "2026-11-21");
    nextDay();
    stands = [{ lane: "telemetry", epoch: EPOCH, from: 1, upTo: 1500, covered: [{ from: 1, to: 1500 }] }];
    stored = [
      { epoch: EPOCH, from: 1, to: 990 },
      { epoch: EPOCH, from: 1001, to: 1500 },
    ];
    const second = await statements.close(GATEWAY, "2026-11-22");
    expect(second.statement).toMatchObject({ numbered: 500, stored: 500, lost: 0, previous: first.sha256 });
    expect(second.statement.lanes).toMatchObject([{ from: 1001, to: 1500 }]);
    nextDay();
    const third = await statements.close(GATEWAY, "2026-11-23");
    expect(third.statement).toMatchObject({ numbered: 0, lanes: [], previous: second.sha256 });
    expect(await statements.firstFault(GATEWAY)).toBeUndefined();
    expect(statements.list(GATEWAY, { limit: 2 }).items.map(({ statement }) => statement.day)).toEqual([
      "2026-11-23",
      "2026-11-22",
    ]);
  });

  it("accounts for a new epoch beside the old one", async () => {
    await statements.close(GATEWAY, "2026-11-21");
    nextDay();
    const epoch = EPOCH.replaceAll("0", "f");
    stands = [...stands, { lane: "telemetry", epoch, from: 1, upTo: 20, covered: [{ from: 1, to: 20 }] }];
    stored = [...stored, { epoch, from: 1, to: 20 }];
    const { statement } = await statements.close(GATEWAY, "2026-11-22");
    expect(statement.lanes).toMatchObject([{ epoch, numbered: 20, stored: 20 }]);
  });

  it("takes events that were lost out of what its cursor covers", async () => {
    stands = [{ lane: "events", epoch: EPOCH, from: 1, upTo: 10, covered: [{ from: 1, to: 10 }] }];
    lost = [{ lane: "events", epoch: EPOCH, from: 4, to: 5, reason: "quarantined LANE_KIND_UNKNOWN" }];
    const { statement } = await statements.close(GATEWAY, "2026-11-21");
    expect(statement.lanes).toMatchObject([{ lane: "events", numbered: 10, stored: 8, lost: 2, missing: 0 }]);
  });

  it("is made once: asked again, the same comes back", async () => {
    const first = await statements.close(GATEWAY, "2026-11-21");
    stands = [];
    expect(await statements.close(GATEWAY, "2026-11-21")).toEqual(first);
  });

  it("made on request is signed and leaves the chain alone", async () => {
    const now = await statements.provisional(GATEWAY);
    expect(now.statement).toMatchObject({ provisional: true, day: "2026-11-22", numbered: 1000 });
    expect(signer.verifies(canonicalJson(now.statement), now.signature)).toBe(true);
    expect(statements.list(GATEWAY, { limit: 10 }).items).toEqual([]);
  });

  it("that was changed in the database afterwards is found", async () => {
    await statements.close(GATEWAY, "2026-11-21");
    nextDay();
    await statements.close(GATEWAY, "2026-11-22");
    const row = statements.get(`${GATEWAY}:2026-11-21`);
    const body = canonicalJson({ ...row?.statement, lost: 0 });
    db.sync.run(db.kysely.updateTable("statements").set({ body }).where("day", "=", "2026-11-21"));
    expect(await statements.firstFault(GATEWAY)).toBe(`${GATEWAY}:2026-11-21: signature`);
    db.sync.run(db.kysely.deleteFrom("statements").where("day", "=", "2026-11-21"));
    expect(await statements.firstFault(GATEWAY)).toBe(`${GATEWAY}:2026-11-22: chain`);
  });

  it("is looked at with all the others, however many there are", async () => {
    for (let day = 1; day <= 120; day++) {
      clock.advance(60_000);
      const month = String(1 + Math.floor((day - 1) / 28)).padStart(2, "0");
      await statements.close(GATEWAY, `2026-${month}-${String(1 + ((day - 1) % 28)).padStart(2, "0")}`);
    }
    expect(await statements.firstFault(GATEWAY)).toBeUndefined();
    db.sync.run(db.kysely.deleteFrom("statements").where("day", "=", "2026-04-10"));
    expect(await statements.firstFault(GATEWAY)).toBe(`${GATEWAY}:2026-04-11: chain`);
  });

  it("that says another key has signed it is not believed", async () => {
    await statements.close(GATEWAY, "2026-11-21");
    const other = new StatementSigner(path.join(folder, "other-key.pem"));
    const forged = { ...statements.get(`${GATEWAY}:2026-11-21`)?.statement, lost: 0 };
    const body = canonicalJson(forged);
    const row = { body, sha256: createHash("sha256").update(body).digest("hex"), key_id: other.key.key };
    db.sync.run(db.kysely.updateTable("statements").set({ ...row, signature: other.sign(body) }));
    expect(await statements.firstFault(GATEWAY)).toBe(`${GATEWAY}:2026-11-21: signature`);
  });

  it("follows the one before, also when the cloud's clock was set back meanwhile", async () => {
    const first = await statements.close(GATEWAY, "2026-11-21");
    clock.setWallClock(clock.now() - 3 * 24 * 3_600_000);
    const second = await statements.close(GATEWAY, "2026-11-22");
    nextDay();
    const third = await statements.close(GATEWAY, "2026-11-23");
    expect([second.statement.previous, third.statement.previous]).toEqual([first.sha256, second.sha256]);
    expect(Date.parse(second.statement.to)).toBeGreaterThan(Date.parse(first.statement.to));
    expect(await statements.firstFault(GATEWAY)).toBeUndefined();
  });
});

describe("the key of the statements", () => {
  it("is for its owner alone, and the same after a restart", () => {
    const file = path.join(folder, "statement-key.pem");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(new StatementSigner(file).key).toEqual(signer.key);
  });

  it("that cannot be read stops the start instead of being replaced", () => {
    const file = path.join(folder, "other.pem");
    writeFileSync(file, "nothing");
    expect(() => new StatementSigner(file)).toThrow(expect.objectContaining({ code: "STATEMENT_KEY_INVALID" }));
  });
});
