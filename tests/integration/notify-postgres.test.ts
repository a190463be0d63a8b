import { describe } from "vitest";
import { recordsOnPostgres } from "#tests/fixtures/cloud/record-databases.ts";
import { peer } from "#tests/peers.ts";
import { chainSuite } from "#tests/unit/cloud/notify/chain-suite.ts";

const program = peer("postgres");

describe.skipIf(program === undefined)("with its records on PostgreSQL", () => {
  if (program !== undefined) recordsOnPostgres(program);
  chainSuite();
});
