import { describe, expect, it } from "vitest";
import { postgresError, postgresFault } from "#cloud/db/postgres/errors.ts";

describe("a refusal of PostgreSQL", () => {
  it.each([
    ["a key that is there", "23505", "DB_CONSTRAINT", false],
    ["a missing value", "23502", "DB_CONSTRAINT", false],
    ["a reference to nothing", "23503", "DB_CONSTRAINT", false],
    ["a value that is no number", "22P02", "DB_VALUE_INVALID", false],
    ["a text longer than an index takes", "54000", "DB_VALUE_INVALID", false],
    ["a full disk", "53100", "DB_FULL", true],
    ["no memory", "53200", "DB_UNAVAILABLE", true],
    ["no connection left", "53300", "DB_UNAVAILABLE", true],
    ["a deadlock", "40P01", "DB_BUSY", true],
    ["a serialization failure", "40001", "DB_BUSY", true],
    ["a lock that did not come in time", "55P03", "DB_BUSY", true],
    ["a statement that took too long", "57014", "DB_BUSY", true],
    ["a server that is shut down", "57P01", "DB_UNAVAILABLE", true],
    ["a server that starts", "57P03", "DB_UNAVAILABLE", true],
    ["a standby", "25006", "DB_READ_ONLY", true],
    ["a fault of the disk", "58030", "DB_IO", true],
    ["a wrong password", "28P01", "DB_REFUSED", false],
    ["a broken page", "XX001", "DB_CORRUPT", false],
    ["anything else", "42P01", "DB_FAILED", false],
  ])("is named by its code: %s", (_what, sqlState, code, retriable) => {
    expect(postgresError(sqlState, "statement")).toMatchObject({ code, retriable });
    const thrown = Object.assign(new Error("refused"), { severity: "ERROR", code: sqlState });
    expect(postgresFault(thrown, "statement")).toMatchObject({ code, retriable });
  });

  it("is told from a fault of the network, which may pass", () => {
    const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    expect(postgresFault(reset, "statement")).toMatchObject({ code: "DB_UNAVAILABLE", retriable: true });
  });
});
