import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { GatewayCredentials } from "#cloud/gateways/credentials.ts";
import { systemClock } from "#core/clock.ts";
import { gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";

const GATEWAY = gatewayId("park/gw-1");
let db: Db;
let folder = "";
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-credentials-"));
  db = await openRecords(":memory:");
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = () => new GatewayCredentials({ db, folder, clock: systemClock, logger: silentLogger });
const file = () => JSON.parse(readFileSync(join(folder, "gw-1", "credential.json"), "utf8")) as Record<string, string>;

describe("credentials of gateways", () => {
  it("are made once, as user name and password in a file, and as a hash in the database", async () => {
    const credentials = open();
    await credentials.ensure([GATEWAY]);
    const { username, password = "" } = file();
    expect(username).toBe("park:gw-1");
    expect(password.length).toBeGreaterThan(30);
    await credentials.ensure([GATEWAY]);
    await open().ensure([GATEWAY]);
    expect(file()["password"]).toBe(password);
    const rows = JSON.stringify(db.sync.all(db.kysely.selectFrom("gateway_credentials").selectAll()));
    expect(rows).not.toContain(password);
  });

  it("open for the right password only, before and after it was right once", async () => {
    const credentials = open();
    await credentials.ensure([GATEWAY]);
    const { password = "" } = file();
    expect(await credentials.verify("park:gw-1", "wrong")).toBeUndefined();
    expect(await credentials.verify("park:gw-1", password)).toBe(GATEWAY);
    expect(await credentials.verify("park:gw-1", password)).toBe(GATEWAY);
    expect(await credentials.verify("park:gw-1", "wrong")).toBeUndefined();
    expect(await credentials.verify("park:gw-2", password)).toBeUndefined();
    expect(await credentials.verify("park:gw-1", "x".repeat(100_000))).toBeUndefined();
  });

  it("refuse more sign-ins at once than the machine can hash, and recover", async () => {
    const credentials = open();
    await credentials.ensure([GATEWAY]);
    const storm = await Promise.allSettled(
      Array.from({ length: 210 }, (_, i) => credentials.verify("park:gw-1", `wrong-${i}`)),
    );
    const refused = storm.filter((each) => each.status === "rejected");
    expect(refused).toHaveLength(8);
    expect(refused[0]).toMatchObject({ reason: { code: "CREDENTIAL_BUSY", retriable: true } });
    expect(await credentials.verify("park:gw-1", file()["password"] ?? "")).toBe(GATEWAY);
  }, 60_000);
});
