import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FileBlobStore } from "#cloud/blobs/store.ts";
import type { BlobIndex } from "#cloud/media-ports.ts";
import { type ParkApi, parkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

const VIDEO = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
const SHA = createHash("sha256").update(VIDEO).digest("hex");
const FOUND = Buffer.from('{"devices":[]}');
const FOUND_SHA = createHash("sha256").update(FOUND).digest("hex");

let park: ParkApi;
let all: SignedIn;
let guards: Map<string, ReturnType<BlobIndex["guards"]>>;
beforeAll(async () => {
  guards = new Map();
  park = await parkApi({ blobIndex: { guards: (sha256) => guards.get(sha256) ?? [] } });
  all = await park.person("viewer", { role: "viewer", space: PARK.root });
  await park.deps.blobs.put(SHA, "video/mp4", VIDEO);
  await park.deps.blobs.put(FOUND_SHA, "application/json", FOUND);
  guards.set(SHA, [{ permission: "alarm.read", space: "perimeter" }]);
  guards.set(FOUND_SHA, [{ permission: "gateway.manage", space: undefined }]);
});
afterAll(() => park.close());

const get = (headers: Record<string, string> = {}, query = "") =>
  park.ask("GET", `/blobs/${SHA}${query}`, { as: all, headers });

describe("a clip", () => {
  it("is played from the start, with its length, and says that parts may be asked for", async () => {
    const answer = await get();
    expect(answer.statusCode).toBe(200);
    expect(answer.rawPayload.equals(VIDEO)).toBe(true);
    expect(answer.headers).toMatchObject({
      "content-type": "video/mp4",
      "content-length": "100000",
      "accept-ranges": "bytes",
      etag: `"${SHA}"`,
    });
    expect(answer.headers["content-disposition"]).toBeUndefined();
  });

  it.each([
    ["bytes=0-1", 0, 2],
    ["bytes=99990-", 99_990, 100_000],
    ["bytes=-5", 99_995, 100_000],
    ["bytes=70000-1000000", 70_000, 100_000],
  ])("is sought: %s is answered with 206 and just these bytes", async (range, from, end) => {
    const answer = await get({ range });
    expect([answer.statusCode, answer.headers["content-range"], answer.headers["content-length"]]).toEqual([
      206,
      `bytes ${from}-${end - 1}/100000`,
      String(end - from),
    ]);
    expect(answer.rawPayload.equals(VIDEO.subarray(from, end))).toBe(true);
  });

  it("is told to be shorter than where the search begins, with 416 and its length", async () => {
    const answer = await get({ range: "bytes=100000-" });
    expect([answer.statusCode, answer.headers["content-range"], answer.json().code]).toEqual([
      416,
      "bytes */100000",
      "RANGE_NOT_SATISFIABLE",
    ]);
  });

  it("is sent as a part only to who holds the rest of the same, and not again to who holds it all", async () => {
    expect((await get({ range: "bytes=0-1", "if-range": `"${SHA}"` })).statusCode).toBe(206);
    expect((await get({ range: "bytes=0-1", "if-range": '"other"' })).statusCode).toBe(200);
    const known = await get({ "if-none-match": `"${SHA}"` });
    expect([known.statusCode, known.rawPayload.length]).toEqual([304, 0]);
  });

  it("is exported under the name asked for, of which nothing breaks the header", async () => {
    const name = encodeURIComponent('zone 3"\r\nX-Evil: 1');
    const answer = await get({}, `?download=${name}`);
    expect(answer.headers["content-disposition"]).toBe(
      `attachment; filename="zone 3___X-Evil_ 1.mp4"; filename*=UTF-8''zone%203___X-Evil_%201.mp4`,
    );
    expect(answer.headers["x-evil"]).toBeUndefined();
  });

  it("that the retention rules removed is told as expired", async () => {
    const sha = createHash("sha256").update("old").digest("hex");
    await park.deps.blobs.put(sha, "video/mp4", Buffer.from("old"));
    await (park.deps.blobs as FileBlobStore).remove(sha, false);
    const answer = await park.ask("GET", `/blobs/${sha}`, { as: all });
    expect([answer.statusCode, answer.json().code]).toEqual([410, "BLOB_EXPIRED"]);
  });

  it("is not there for who sees nothing that it belongs to", async () => {
    const elsewhere = await park.person("viewer-of-a", { role: "viewer", space: "building-a" });
    for (const headers of [{}, { range: "bytes=0-1" }, { "if-none-match": `"${SHA}"` }])
      expect((await park.ask("GET", `/blobs/${SHA}`, { as: elsewhere, headers })).statusCode).toBe(404);
    const there = await park.person("viewer-of-the-fence", { role: "viewer", space: "perimeter" });
    expect((await park.ask("GET", `/blobs/${SHA}`, { as: there })).statusCode).toBe(200);
  });
});

describe("a picture taken by hand", () => {
  it("is for those who may watch its camera, and for nobody because he sees the alarms of the whole site", async () => {
    const bytes = Buffer.from("a look at the car park");
    const sha = createHash("sha256").update(bytes).digest("hex");
    await park.deps.blobs.put(sha, "image/jpeg", bytes);
    guards.set(sha, [{ permission: "video.view", space: "perimeter" }]);
    const auditor = await park.person("auditor", { role: "auditor", space: PARK.root });
    expect((await park.ask("GET", `/blobs/${sha}`, { as: auditor })).statusCode).toBe(404);
    expect((await park.ask("GET", `/blobs/${sha}`, { as: all })).statusCode).toBe(200);
  });

  it("is shown to those who see the alarms of the whole site while nothing refers to it yet", async () => {
    const bytes = Buffer.from("nobody knows what this is");
    const sha = createHash("sha256").update(bytes).digest("hex");
    await park.deps.blobs.put(sha, "image/jpeg", bytes);
    expect((await park.ask("GET", `/blobs/${sha}`, { as: all })).statusCode).toBe(200);
  });
});

describe("the result of a search of the network", () => {
  it("is JSON, for those only who manage gateways", async () => {
    expect((await park.ask("GET", `/blobs/${FOUND_SHA}`, { as: all })).statusCode).toBe(404);
    const engineer = await park.person("engineer", { role: "engineer", space: PARK.root });
    const answer = await park.ask("GET", `/blobs/${FOUND_SHA}`, { as: engineer });
    expect([answer.headers["content-type"], answer.json()]).toEqual(["application/json", { devices: [] }]);
  });

  it("comes from its gateway as bytes", async () => {
    const bytes = Buffer.from('{"devices":[1]}');
    const sha = createHash("sha256").update(bytes).digest("hex");
    const { username, password } = park.gateways;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const headers = { authorization, "content-type": "application/json" };
    const answer = await park.ask("PUT", `/gateways/gw-1/blobs/${sha}`, { payload: bytes, headers });
    expect(answer.statusCode).toBe(204);
    expect(park.deps.blobs.find(sha)).toMatchObject({ state: "here", contentType: "application/json" });
  });
});
