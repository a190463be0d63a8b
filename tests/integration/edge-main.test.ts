import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { EdgeCloud } from "./edge-cloud.ts";

const folder = temporaryFolders();
const ROOT = resolve(import.meta.dirname, "../..");

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

describe("the gateway program", () => {
  let root: string;
  let cloud: EdgeCloud;
  const ending: (() => void)[] = [];

  beforeEach(async () => {
    root = folder();
    cloud = new EdgeCloud();
    await cloud.start();
  });
  afterEach(async () => {
    for (const end of ending.splice(0)) end();
    await cloud.stop();
  });

  function launch(
    args: readonly string[],
    env: Record<string, string> = {},
  ): { ended: Promise<Ended>; kill(signal: NodeJS.Signals): void } {
    const { PATH = "" } = process.env;
    const child = spawn(process.execPath, ["edge/start.mjs", ...args], {
      cwd: ROOT,
      env: { PATH, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    let stdout = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    ending.push(() => child.kill("SIGKILL"));
    const ended = new Promise<Ended>((done) => child.once("close", (code) => done({ code, stderr, stdout })));
    return { ended, kill: (signal) => child.kill(signal) };
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
    const { code, stderr } = await launch(["--config", file]).ended;
    expect(code).toBe(2);
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
    const { code, stderr } = await launch(["--config", file]).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/gw\.yaml:4:1 \/broker expected an address mqtt/);
    expect(stderr).toMatch(/gw\.yaml:5:1 \/cloud expected an address http/);
    expect(stderr).toMatch(/gw\.yaml:6:1 \/credential expected a JSON file .*ENOENT/);
  });

  it("says how it is called when it is called without a file", async () => {
    const { code, stderr } = await launch([]).ended;
    expect(code).toBe(2);
    expect(stderr).toContain("npm run edge -- --config");
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
    await expect.poll(() => cloud.sparkplug[0]).toBe("NBIRTH");
    gateway.kill("SIGTERM");
    const { code, stdout } = await gateway.ended;
    expect(code).toBe(0);
    expect(cloud.sparkplug.at(-1)).toBe("NDEATH");
    expect(stdout).not.toContain("secret-password");
    expect(readFileSync(join(root, "data", "outbox.db")).length).toBeGreaterThan(0);
  });
});
