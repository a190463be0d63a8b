import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "#core/errors.ts";
import { loadBootstrap } from "#edge/bootstrap.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "northbound-config-"));
  writeFileSync(join(folder, "credential.json"), JSON.stringify({ username: "park:gw-1", password: "x" }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The bootstrap with this after the rest, or what is wrong with it. */
function loaded(more: string, env: Readonly<Record<string, string>> = {}): unknown {
  const file = join(folder, "gw-1.yaml");
  const rest = `site: park
gateway: gw-1
data: ./data
broker: mqtt://127.0.0.1:1884
cloud: http://127.0.0.1:8080
credential: ${join(folder, "credential.json")}
`;
  writeFileSync(file, rest + more);
  try {
    return loadBootstrap(file, env).bootstrap.northbound;
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((problem) => problem.slice(problem.indexOf("yaml") + 4));
    throw error;
  }
}

describe("what a gateway shows on BACnet", () => {
  it("is nothing unless its bootstrap file says so", () => {
    expect(loaded("")).toBeUndefined();
  });

  it("has an instance and an address, and may be narrowed to devices and registered with a BBMD", () => {
    const whole = `northbound:
  bacnet:
    instance: 9001
    host: 10.1.2.3
    broadcast: { host: 10.1.2.255 }
    foreignDevice: { host: 10.9.0.1, ttlS: 120 }
    devices: [meter-1]
    subscriptions: 500
`;
    expect(loaded(whole)).toEqual({
      bacnet: {
        instance: 9001,
        host: "10.1.2.3",
        broadcast: { host: "10.1.2.255" },
        foreignDevice: { host: "10.9.0.1", ttlS: 120 },
        devices: ["meter-1"],
        subscriptions: 500,
      },
    });
  });

  it("may stand in variables of the environment, which are checked as what is written", () => {
    const written = `northbound:
  bacnet:
    instance: 9001
    host: \${HOST}
    name: 网关 \${GW}
    devices: ["\${METER}"]
`;
    const env = { HOST: "10.1.2.3", GW: "gw-1", METER: "meter-1" };
    expect(loaded(written, env)).toMatchObject({
      bacnet: { host: "10.1.2.3", name: "网关 gw-1", devices: ["meter-1"] },
    });
    expect(loaded(written, { ...env, HOST: "somewhere" })).toEqual([
      expect.stringMatching(/^:10:.*\/northbound\/bacnet\/host expected .*got "somewhere"/),
    ]);
    expect(loaded(written, { HOST: env.HOST, GW: env.GW })).toContainEqual(
      expect.stringMatching(/^:12:.*\/northbound\/bacnet\/devices\/0 expected a set environment variable METER/),
    );
  });

  it("is refused with every fault at its line", () => {
    const wrong = `northbound:
  bacnet:
    instance: 4194303
    host: 10.1.2.999
    port: 70000
    writable: true
    foreignDevice: { ttlS: 5 }
`;
    const problems = loaded(wrong);
    expect(problems).toHaveLength(6);
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^:9:.*\/northbound\/bacnet\/instance expected at most 4194302, got 4194303/),
        expect.stringMatching(/^:10:.*\/northbound\/bacnet\/host expected/),
        expect.stringMatching(/^:11:.*\/northbound\/bacnet\/port expected at most 65535/),
        expect.stringMatching(/^:12:.*\/northbound\/bacnet\/writable expected one of/),
        expect.stringMatching(/^:13:.*\/northbound\/bacnet\/foreignDevice\/host expected a value/),
        expect.stringMatching(/^:13:.*\/northbound\/bacnet\/foreignDevice\/ttlS expected at least 10/),
      ]),
    );
  });
});
