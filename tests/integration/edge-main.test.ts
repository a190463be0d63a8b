import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Program } from "#tests/program.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { EdgeCloud } from "./edge-cloud.ts";

const folder = temporaryFolders();

describe("the gateway program", { timeout: 90_000 }, () => {
  let root: string;
  let cloud: EdgeCloud;
  const running: Program[] = [];

  beforeEach(async () => {
    root = folder();
    cloud = new EdgeCloud();
    await cloud.start();
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.kill();
    await cloud.stop();
  });

  function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    const one = Program.start(["edge/start.mjs", ...args], { env });
    running.push(one);
    return one;
  }
  function bootstrap(text: string): string {
    const file = join(root, "gw.yaml");
    writeFileSync(file, text);
    return file;
  }
  function credential(): string {
    const file = join(root, "credential.json");
    writeFileSync(file, JSON.stringify({ username: "park:gw", password: "secret-password" }), { mode: 0o600 });
    return file;
  }

  it("tells every fault of its bootstrap file with its place and ends with code 2", async () => {
    const file = bootstrap(
      [
        "site: park",
        "gateway: 'no gateway'",
        "data: ${NOWHERE}/x",
        "broker: http://127.0.0.1:1",
        "surprise: 1",
        `credential: ${join(root, "none.json")}`,
      ].join("\n"),
    );
    const gateway = launch(["--config", file]);
    expect(await gateway.ended).toBe(2);
    const stderr = gateway.err;
    expect(stderr.trimEnd().split("\n").sort()).toEqual([
      `${file}:1:1 /cloud expected a value, got nothing`,
      `${file}:2:1 /gateway expected text like ^[A-Za-z0-9_.-]{1,64}$, got "no gateway"`,
      expect.stringMatching(/gw\.yaml:3:1 \/data expected a set environment variable NOWHERE, got nothing/),
      expect.stringMatching(/gw\.yaml:5:\d+ \/surprise expected one of .*, got this name/),
    ]);
  });

  it("tells a wrong address and a missing credential, and ends with code 2", async () => {
    const file = bootstrap(
      [
        "site: park",
        "gateway: gw",
        "data: ./data",
        "broker: http://127.0.0.1:1",
        "cloud: nowhere",
        `credential: ${join(root, "none.json")}`,
      ].join("\n"),
    );
    const gateway = launch(["--config", file]);
    expect(await gateway.ended).toBe(2);
    const stderr = gateway.err;
    expect(stderr).toMatch(/gw\.yaml:4:1 \/broker expected an address mqtt/);
    expect(stderr).toMatch(/gw\.yaml:5:1 \/cloud expected an address http/);
    expect(stderr).toMatch(/gw\.yaml:6:1 \/credential expected a JSON file .*ENOENT/);
  });

  it("says how it is called when it is called without a file", async () => {
    const gateway = launch([]);
    expect(await gateway.ended).toBe(2);
    expect(gateway.err).toContain("npm run edge -- --config");
  });

  it("connects with its credential, takes its addresses from variables and ports, and ends cleanly on SIGTERM", async () => {
    mkdirSync(join(root, "data"));
    writeFileSync(join(root, "ports.json"), JSON.stringify({ relay: Number(new URL(cloud.broker).port) }));
    const file = bootstrap(
      [
        "site: park",
        "gateway: gw",
        "data: ${HOME_OF_TEST}/data",
        "broker: mqtt://127.0.0.1:${sim:relay}",
        "cloud: ${CLOUD_OF_TEST}",
        `credential: ${credential()}`,
        "simPorts: ${HOME_OF_TEST}/ports.json",
      ].join("\n"),
    );
    const gateway = launch(["--config", file], { HOME_OF_TEST: root, CLOUD_OF_TEST: cloud.http });
    expect(await gateway.until("a birth", () => cloud.sparkplug[0])).toBe("NBIRTH");
    gateway.signal("SIGTERM");
    expect(await gateway.ended, gateway.err).toBe(0);
    expect(cloud.sparkplug.at(-1)).toBe("NDEATH");
    expect(gateway.out).not.toContain("secret-password");
    expect(readFileSync(join(root, "data", "outbox.db")).length).toBeGreaterThan(0);
  });
});
