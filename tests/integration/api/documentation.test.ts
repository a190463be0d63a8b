import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiRoutes } from "#cloud/api/routes/index.ts";
import { type ParkApi, parkApi } from "#tests/fixtures/cloud/park-api.ts";
import { peer } from "#tests/peers.ts";

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly requestBody?: object;
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

let park: ParkApi;
beforeAll(async () => {
  park = await parkApi();
});
afterAll(() => park.close());

describe("the OpenAPI document", () => {
  it("is of version 3.1 and describes every route with its parts", async () => {
    const answer = await park.ask("GET", "/openapi.json");
    expect(answer.statusCode).toBe(200);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    const document = answer.json();
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: "Parkhub", version: "1" });
    expect(Object.keys(document.components.securitySchemes)).toEqual(["session", "token", "gateway"]);
    for (const route of apiRoutes(park.deps)) {
      const name = `${route.method} ${route.url}`;
      const found = document.paths[`/api/v1${route.url.replaceAll(/:(\w+)/g, "{$1}")}`];
      const operation: Operation | undefined = found?.[route.method.toLowerCase()];
      if (operation === undefined) throw new Error(`${name} is not described`);
      expect(operation.summary, name).toBe(route.summary);
      expect(operation.tags, name).toEqual([route.tag]);
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(
        inPath.map((parameter) => `:${parameter.name}`),
        name,
      ).toEqual(route.url.match(/:\w+/g) ?? []);
      expect(
        inPath.every(({ required }) => required === true),
        name,
      ).toBe(true);
      expect(operation.requestBody !== undefined, name).toBe(route.body !== undefined);
      const answered = Object.keys(operation.responses);
      expect(answered, name).toContain("4XX");
      if (route.answer !== undefined) expect(answered, name).toContain("2XX");
    }
  });

  it("says what a route needs: nothing, a credential of a gateway, or somebody signed in", async () => {
    const { paths, security } = (await park.ask("GET", "/openapi.json")).json();
    expect(security).toEqual([{ session: [] }, { token: [] }]);
    expect(paths["/api/v1/session"].post.security).toEqual([]);
    expect(paths["/api/v1/gateways/{id}/bundle"].get.security).toEqual([{ gateway: [] }]);
    expect(paths["/api/v1/points"].get.security).toBeUndefined();
  });

  it("refers to nothing that is not in it", async () => {
    const text = (await park.ask("GET", "/openapi.json")).body;
    const document = JSON.parse(text);
    for (const [, pointer = ""] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer.split("/").reduce((inner, key) => inner?.[key], document);
      expect(found, pointer).toBeDefined();
    }
  });
});

describe("the page of the API's documentation", () => {
  it("asks this service only, under the same content security policy as everything", async () => {
    const page = await park.ask("GET", "/api/docs");
    expect(page.statusCode).toBe(200);
    const policy = String(page.headers["content-security-policy"]);
    expect(policy).toMatch(/^default-src 'self';/);
    expect(policy).not.toMatch(/https:|unsafe-eval|validator/);
    const sources = [...page.body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, source = ""]) => source);
    expect(sources.length).toBeGreaterThan(4);
    expect(sources.filter((source) => !source.startsWith("/api/docs/"))).toEqual([]);
    expect(page.body).not.toMatch(/<script>|<style>|\son\w+=/);
    for (const source of sources) expect((await park.ask("GET", source)).statusCode, source).toBe(200);
  });

  const program = peer("chromium");
  describe.skipIf(program === undefined)("in a browser", () => {
    it("shows the routes, breaks no rule of the policy and asks no other origin", { timeout: 60_000 }, async () => {
      const origin = await park.app.listen({ host: "127.0.0.1", port: 0 });
      const browser = await chromium.launch({ executablePath: program ?? "", args: ["--no-sandbox"] });
      try {
        const page = await browser.newPage();
        const faults: string[] = [];
        const asked = new Set<string>();
        page.on("console", (line) => {
          if (line.type() === "error") faults.push(line.text());
        });
        page.on("pageerror", (error) => faults.push(error.message));
        page.on("request", (request) => {
          if (!request.url().startsWith("data:")) asked.add(new URL(request.url()).origin);
        });
        await page.goto(`${origin}/api/docs`);
        await page.locator("#operations-tag-alarms").click();
        await page.getByText("Acknowledge many as one act; each is answered for itself").waitFor();
        expect(faults).toEqual([]);
        expect([...asked]).toEqual([origin]);
      } finally {
        await browser.close();
      }
    });
  });
});

describe("health", () => {
  it("says that the process lives", async () => {
    const answer = await park.app.inject("/healthz");
    expect([answer.statusCode, answer.json()]).toEqual([200, { alive: true }]);
  });

  it("is ready when every part is, and says which part is not", async () => {
    const ready = () => park.app.inject("/readyz");
    expect((await ready()).statusCode).toBe(200);
    park.parts["gateway gw-1"] = { ready: false, detail: "never seen" };
    const answer = await ready();
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({
      ready: false,
      parts: { broker: { ready: true }, "gateway gw-1": { ready: false, detail: "never seen" } },
    });
    park.parts["gateway gw-1"] = { ready: true };
    expect(await ready().then((again) => again.json().ready)).toBe(true);
  });

  it("gives metrics as Prometheus reads them", async () => {
    const answer = await park.app.inject("/metrics");
    expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.body).toBe("parkhub_up 1\n");
  });
});

describe("the console's files", () => {
  const page = "<!doctype html><title>console</title>";
  const folder = mkdtempSync(path.join(tmpdir(), "parkhub-console-"));
  let built: ParkApi;
  beforeAll(async () => {
    mkdirSync(path.join(folder, "dist/assets"), { recursive: true });
    writeFileSync(path.join(folder, "secret.txt"), "secret");
    writeFileSync(path.join(folder, "dist/index.html"), page);
    writeFileSync(path.join(folder, "dist/icon.svg"), "<svg/>");
    writeFileSync(path.join(folder, "dist/assets/main-1a2b.js"), "export {}");
    built = await parkApi({ consoleFolder: path.join(folder, "dist") });
  });
  afterAll(async () => {
    await built.close();
    rmSync(folder, { recursive: true });
  });

  it("give the page for every route of the console, never from a cache", async () => {
    for (const url of ["/", "/alarms", "/points/small-park%2Fgw-1%2Fahu-1%2Fair.temp", "/rules/some.rule?x=1"]) {
      const answer = await built.app.inject(url);
      expect([answer.statusCode, answer.body, answer.headers["cache-control"]], url).toEqual([200, page, "no-cache"]);
      expect(answer.headers["content-security-policy"]).toMatch(/frame-ancestors 'none'/);
    }
  });

  it("give hashed assets for ever, and 404 for those that are gone", async () => {
    const asset = await built.app.inject("/assets/main-1a2b.js");
    expect(asset.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(asset.headers["content-type"]).toMatch(/javascript/);
    expect((await built.app.inject("/icon.svg")).headers["content-type"]).toMatch(/svg/);
    const gone = await built.app.inject("/assets/main-gone.js");
    expect([gone.statusCode, gone.json().code]).toEqual([404, "NOT_FOUND"]);
  });

  it("give nothing from outside the folder", async () => {
    const ways = [
      "/../secret.txt",
      "/%2e%2e/secret.txt",
      "/assets/..%2f..%2fsecret.txt",
      "/..%2fsecret.txt",
      "/%00.txt",
    ];
    for (const url of ways) expect((await built.app.inject(url)).body, url).not.toBe("secret");
  });

  it("say how to build the console where it is not built", async () => {
    const answer = await park.app.inject("/alarms");
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["content-type"]).toMatch(/^text\/html/);
    expect(answer.body).toContain("npm run build");
    expect((await park.app.inject("/assets/x.js")).statusCode).toBe(404);
  });
});
