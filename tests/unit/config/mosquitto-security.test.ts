import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { securityOfFolder, writeSecret } from "#config/deploy/mosquitto/security-of-folder.ts";

const URL_OF_CLOUD = "mqtt://parkhub:s%3Acret@127.0.0.1:1883";
let data: string;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), "parkhub-security-"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function gateway(name: string, credential: object | string): void {
  mkdirSync(path.join(data, "gateways", name), { recursive: true });
  const text = typeof credential === "string" ? credential : JSON.stringify(credential);
  writeFileSync(path.join(data, "gateways", name, "credential.json"), text);
}

interface Made {
  clients: { username: string; clientid?: string; password: string; salt: string }[];
  roles: { rolename: string; acls: { acltype: string; topic: string; allow: boolean }[] }[];
}

describe("mosquitto's security file", () => {
  it("binds each gateway's user name, client id and topics, and holds no password", () => {
    gateway("gw-1", { username: "park:gw-1", password: "password-1" });
    gateway("gw-2", { username: "park:gw-2", password: "password-2" });
    const text = securityOfFolder(data, URL_OF_CLOUD);
    expect(text).not.toMatch(/password-1|password-2|s:cret/);
    const { clients, roles } = JSON.parse(text) as Made;
    expect(clients.map(({ username, clientid }) => [username, clientid])).toEqual([
      ["parkhub", undefined],
      ["park:gw-1", "park:gw-1"],
      ["park:gw-2", "park:gw-2"],
    ]);
    const topics = roles.find(({ rolename }) => rolename === "park:gw-1")?.acls.map(({ topic }) => topic) ?? [];
    expect(topics).toContain("parkhub/v1/park/gw-1/events");
    expect(topics.filter((topic) => !topic.includes("gw-1") && !topic.startsWith("spBv1.0/STATE"))).toEqual([]);
  });

  it("holds foreign clients as the API has answered when they were made", () => {
    gateway("gw-1", { username: "park:gw-1", password: "password-1" });
    const file = path.join(data, "foreign.json");
    writeFileSync(
      file,
      JSON.stringify([
        { kind: "reader", name: "scada", clientId: "scada", mayCommand: false, password: "p", createdAt: "x" },
        { kind: "foreignNode", name: "press", clientId: "p-1", node: "park/plc-7", space: "park", password: "p" },
      ]),
    );
    const { clients, roles } = JSON.parse(securityOfFolder(data, URL_OF_CLOUD, file)) as Made;
    expect(clients.map(({ username }) => username)).toEqual(["parkhub", "park:gw-1", "press", "scada"]);
    const sent = (name: string): string[] =>
      (roles.find(({ rolename }) => rolename === name)?.acls ?? []).flatMap(({ acltype, topic }) =>
        acltype === "publishClientSend" ? [topic] : [],
      );
    expect(sent("scada")).toEqual(["spBv1.0/STATE/scada"]);
    expect(sent("press").every((topic) => topic.includes("/plc-7"))).toBe(true);
  });

  it.each([
    ["a gateway's file that is no JSON", "{", URL_OF_CLOUD],
    ["a credential without password", { username: "park:gw-1" }, URL_OF_CLOUD],
    ["a broker URL without password", { username: "park:gw-1", password: "p" }, "mqtt://127.0.0.1"],
    ["no broker URL", { username: "park:gw-1", password: "p" }, ""],
  ])("is not made from %s", (_what, credential, url) => {
    gateway("gw-1", credential);
    expect(() => securityOfFolder(data, url)).toThrow(expect.objectContaining({ code: "BROKER_SECURITY" }));
  });

  it("is not made for gateways of two sites", () => {
    gateway("gw-1", { username: "park:gw-1", password: "p" });
    gateway("gw-2", { username: "other:gw-2", password: "p" });
    expect(() => securityOfFolder(data, URL_OF_CLOUD)).toThrow(/one site/);
  });

  it("is what the operator's command writes, or the command says what is missing", () => {
    gateway("gw-1", { username: "park:gw-1", password: "password-1" });
    const command = path.resolve(import.meta.dirname, "../../../config/deploy/mosquitto/make-security.ts");
    const file = path.join(data, "security.json");
    const run = (args: readonly string[], url: string) =>
      spawnSync(process.execPath, [command, ...args], {
        env: { ...process.env, PARKHUB_BROKER_URL: url },
        encoding: "utf8",
      });
    expect(run([data, file], URL_OF_CLOUD).status).toBe(0);
    expect((JSON.parse(readFileSync(file, "utf8")) as Made).clients).toHaveLength(2);
    expect(run([data], URL_OF_CLOUD)).toMatchObject({ status: 2, stderr: expect.stringContaining("usage") });
    const refused = run([data, file], "mqtt://user-without-password@host");
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("PARKHUB_BROKER_URL") });
  });

  it("is written for its owner's eyes only", () => {
    const file = path.join(data, "security.json");
    writeSecret(file, "{}");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
