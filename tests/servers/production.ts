import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { mosquittoSecurity } from "#config/deploy/mosquitto/security.ts";
import { securityOfFolder } from "#config/deploy/mosquitto/security-of-folder.ts";
import { peer } from "#tests/peers.ts";
import { influxProgram, influxUrl, startInflux } from "./influxd.ts";
import { mosquittoProgram, startMosquitto } from "./mosquitto.ts";
import { startPostgres } from "./postgres.ts";
import { redisProgram, redisUrl, startRedis } from "./redis.ts";
import type { TestServer } from "./server.ts";

/** The servers that replace the embedded engines. */
export const ENGINES = ["influxd", "redis-server", "postgres", "mosquitto"] as const;
export type EngineName = (typeof ENGINES)[number];

/** Is every server of the production profile installed? Says in a line which is not. */
export function hasProduction(): boolean {
  const programs = [influxProgram(), redisProgram(), mosquittoProgram(), peer("postgres")];
  return programs.every((program) => program !== undefined);
}

const SITE = "demo-park";
const HOST = "parkhub";
const CLOUD_USER = "parkhub";
/** How long the cloud may take to write the credentials of its gateways, ms. */
const CREDENTIALS_MS = 90_000;
/** A killed PostgreSQL leaves processes that hold its memory for a moment; so long it is started again, ms. */
const RESTART_MS = 10_000;

/** The servers of one production park, each on a free loopback port and in a folder of its own. */
export class ProductionServers {
  /** The four URLs, by variable: all that a park needs to run on them. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #servers: ReadonlyMap<EngineName, TestServer>;
  readonly #brokerUrl: string;

  private constructor(servers: ReadonlyMap<EngineName, TestServer>, postgresUrl: string, password: string) {
    this.#servers = servers;
    this.#brokerUrl = `mqtt://${CLOUD_USER}:${password}@${this.broker}`;
    this.environment = {
      PARKHUB_INFLUX_URL: influxUrl(this.server("influxd"), "parkhub"),
      PARKHUB_REDIS_URL: redisUrl(this.server("redis-server")),
      PARKHUB_POSTGRES_URL: postgresUrl,
      PARKHUB_BROKER_URL: this.#brokerUrl,
    };
  }

  /** @throws when a server is not installed or does not start; none is left running then */
  static async start(): Promise<ProductionServers> {
    const password = randomBytes(18).toString("base64url");
    const cloud = { username: CLOUD_USER, password };
    const security = mosquittoSecurity({ site: SITE, host: HOST, cloud, gateways: [] });
    const servers = new Map<EngineName, TestServer>();
    try {
      // one after the other, so that two cannot be given the same free port
      servers.set("influxd", await startInflux());
      servers.set("redis-server", await startRedis());
      servers.set("mosquitto", await startMosquitto(security));
      const program = peer("postgres");
      if (program === undefined) throw new Error("postgres is not installed");
      const { server, url } = await startPostgres(program);
      servers.set("postgres", server);
      return new ProductionServers(servers, url, password);
    } catch (error) {
      for (const server of servers.values()) await server.remove();
      throw error;
    }
  }

  /** Loopback address of the broker, host:port. */
  get broker(): string {
    return `127.0.0.1:${this.server("mosquitto").port}`;
  }

  server(name: EngineName): TestServer {
    const server = this.#servers.get(name);
    if (server === undefined) throw new Error(`${name} was not started`);
    return server;
  }

  /**
   * What the operator does once: as soon as the cloud has written the gateways' credentials below its data folder, the broker
   * is told them. Gives false when `abandoned` says so first. @throws when they are not there in time
   */
  async admitGateways(data: string, gateways: readonly string[], abandoned: () => boolean): Promise<boolean> {
    const files = gateways.map((gateway) => path.join(data, "gateways", gateway, "credential.json"));
    const deadline = performance.now() + CREDENTIALS_MS;
    while (!files.every((file) => existsSync(file))) {
      if (abandoned()) return false;
      if (performance.now() > deadline) throw new Error("the cloud has written no credentials for its gateways");
      await sleep(50);
    }
    const broker = this.server("mosquitto");
    await broker.stop();
    const file = path.join(broker.folder, "security.json");
    writeFileSync(file, securityOfFolder(data, this.#brokerUrl), { mode: 0o600 });
    await broker.start();
    return true;
  }

  /** Names of the keys in Redis that match a pattern, past every part of ours. */
  async redisKeys(pattern: string): Promise<readonly string[]> {
    const redis = new Redis(redisUrl(this.server("redis-server")));
    try {
      return await redis.keys(pattern);
    } finally {
      redis.disconnect();
    }
  }

  /** Starts a killed one again on the same data, as its service manager would. */
  async restart(name: EngineName): Promise<void> {
    const deadline = performance.now() + RESTART_MS;
    for (;;) {
      try {
        await this.server(name).start();
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(50);
      }
    }
  }

  /** Kills all and removes their data. */
  async remove(): Promise<void> {
    for (const server of this.#servers.values()) await server.remove();
  }
}
