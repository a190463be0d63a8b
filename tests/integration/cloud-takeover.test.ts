import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "#tests/free-port.ts";
import { peer } from "#tests/peers.ts";
import { Program } from "#tests/program.ts";
import { POSTGRES_PASSWORD, type PostgresServer, startPostgres } from "#tests/servers/postgres.ts";
import { FailingNetwork } from "#tests/servers/proxy.ts";

const program = peer("postgres");
const TEST_MS = 600_000;

interface RunningCloud {
  readonly process: Program;
  readonly url: string;
}

describe.skipIf(program === undefined)("two cloud processes on one record database", { timeout: TEST_MS }, () => {
  let server: PostgresServer;
  let network: FailingNetwork;
  let records = "";
  const started: Program[] = [];
  const folders: string[] = [];

  beforeAll(async () => {
    server = await startPostgres(program ?? "");
    network = await FailingNetwork.before(server.server.port);
    records = await server.schema();
  }, TEST_MS);
  afterEach(async () => {
    for (const one of started.splice(0)) await one.kill();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
    network.mode = "pass";
  });
  afterAll(async () => {
    await network.close();
    await server.server.remove();
  });

  /** Starts a whole cloud with a data folder of its own. */
  async function start(url = records): Promise<RunningCloud> {
    const data = mkdtempSync(path.join(tmpdir(), "parkhub-takeover-"));
    folders.push(data);
    const http = `127.0.0.1:${await freePort()}`;
    const process = Program.start(["cloud/main.ts"], {
      env: {
        PARKHUB_DATA: data,
        PARKHUB_HTTP: http,
        PARKHUB_MQTT: `127.0.0.1:${await freePort()}`,
        PARKHUB_POSTGRES_URL: url,
      },
    });
    started.push(process);
    return { process, url: `http://${http}` };
  }
  const serves = ({ process }: RunningCloud) => process.line(/"cloud started"/, 240_000);
  async function recordsReady({ url }: RunningCloud): Promise<unknown> {
    const answer = await fetch(`${url}/readyz`);
    return ((await answer.json()) as { parts: { records: { ready: boolean } } }).parts.records.ready;
  }
  /** A cloud that has ended by itself. On a starved machine it may give up before the server has answered: then another one. */
  async function refused(): Promise<Program> {
    for (let attempt = 1; ; attempt++) {
      const { process } = await start();
      expect(await process.ended, "not 2, so that it is started again").toBe(1);
      if (attempt === 5 || !process.err.includes("DB_UNAVAILABLE")) return process;
    }
  }
  const overNetwork = (): string => records.replace(`:${server.server.port}/`, `:${network.port}/`);

  it("never work at it together: the second ends and says why, and who lost the records to another one ends, too", async () => {
    const first = await start(overNetwork());
    await serves(first);
    const second = await refused();
    expect(second.err).toMatch(/DB_IN_USE/);
    expect(second.err + second.out).not.toContain(POSTGRES_PASSWORD);
    expect(await recordsReady(first)).toBe(true);
    network.mode = "refuse";
    network.cut();
    const third = await start();
    await serves(third);
    expect(first.process.running, "cut off, it waits").toBe(true);
    network.mode = "pass";
    expect(await first.process.ended).toBe(1);
    expect(first.process.out).toMatch(/DB_IN_USE/);
    expect(await recordsReady(third)).toBe(true);
  });
});
