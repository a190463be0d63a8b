import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ParkApi, parkApi, type SignedIn, START, sampleOf } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { furnish, PICTURE, PICTURE_SHA, THUMBPRINT } from "./routes-and-roles.ts";

const enc = encodeURIComponent;
const CAMERA = `/cameras/${enc(PARK.camera)}`;

let park: ParkApi;
let engineer: SignedIn;
let guard: SignedIn;
let viewer: SignedIn;
beforeAll(async () => {
  park = await parkApi();
  await furnish(park);
  engineer = await park.person("engineer", { role: "engineer", space: PARK.root });
  guard = await park.person("guard", { role: "security", space: "perimeter" });
  viewer = await park.person("viewer", { role: "viewer", space: PARK.root });
});
afterAll(() => park.close());
beforeEach(() => {
  park.commands.end = { status: "done", blob: `/api/v1/blobs/${PICTURE_SHA}` };
});

const post = (url: string, payload: object, as = engineer) => park.ask("POST", url, { as, payload });
/** What the last request asked of the field. */
const asked = () => park.commands.requests.at(-1);
const codeOf = (answer: Awaited<ReturnType<typeof post>>) => [answer.statusCode, answer.json().code];

describe("a door", () => {
  it("is shown as it stands", async () => {
    park.state.take([sampleOf(PARK.doorMode, 1), sampleOf(PARK.doorLeaf, 2), sampleOf(PARK.doorAlarm, 0)]);
    const door = (await park.ask("GET", `/doors/${PARK.door}`, { as: guard })).json();
    expect(door).toMatchObject({ id: PARK.door, state: "Locked", open: false, alarm: "Normal", quality: "good" });
    expect((await park.ask("GET", "/doors", { as: guard })).json().items).toEqual([door]);
  });

  it("is opened by a command to its controller that does not live long", async () => {
    const answer = await post(`/doors/${PARK.door}/operate`, { operation: "access", reason: "courier" }, guard);
    expect([answer.statusCode, answer.json().action]).toEqual([202, "doorControl"]);
    expect(asked()).toEqual({
      device: PARK.doors,
      action: "doorControl",
      params: { door: "door-token-1", operation: "access" },
      expiresInMs: 10_000,
      reason: "courier",
    });
  });

  it("is opened by nobody who may only look, and is not there for who does not see it", async () => {
    const before = park.commands.requests.length;
    const elsewhere = await park.person("operator-of-a", { role: "operator", space: "building-a" });
    expect(codeOf(await post(`/doors/${PARK.door}/operate`, { operation: "unlock" }, viewer))).toEqual([
      403,
      "FORBIDDEN",
    ]);
    expect(codeOf(await post(`/doors/${PARK.door}/operate`, { operation: "unlock" }, elsewhere))).toEqual([
      404,
      "DOOR_UNKNOWN",
    ]);
    expect(codeOf(await post("/doors/door-9/operate", { operation: "unlock" }))).toEqual([404, "DOOR_UNKNOWN"]);
    expect(codeOf(await post(`/doors/${PARK.door}/operate`, { operation: "explode" }))).toEqual([400, "VALIDATION"]);
    expect(park.commands.requests).toHaveLength(before);
  });

  it("is opened through the general command only by who may open it where it lies", async () => {
    const command = {
      device: PARK.doors,
      action: "doorControl",
      params: { door: "door-token-1", operation: "access" },
    };
    const mixed = await park.person(
      "sees-all-operates-a",
      { role: "viewer", space: PARK.root },
      { role: "operator", space: "building-a" },
    );
    expect(codeOf(await post("/commands", command, mixed))).toEqual([403, "FORBIDDEN"]);
    expect((await post("/commands", command, guard)).statusCode).toBe(202);
  });
});

describe("the general command", () => {
  it("does more than turn cameras and take pictures only for who may write there", async () => {
    const call = { device: PARK.doors, action: "callMethod", params: { method: "reset" } };
    expect(codeOf(await post("/commands", call, guard))).toEqual([403, "FORBIDDEN"]);
    expect((await post("/commands", call)).statusCode).toBe(202);
    for (const action of ["ptzMove", "snapshot", "recordClip"])
      expect((await post("/commands", { device: PARK.camera, action }, guard)).statusCode).toBe(202);
  });

  it("trusts a certificate for those alone who manage gateways, whatever it is asked of", async () => {
    const trust = { device: PARK.doors, action: "trustCertificate", params: { thumbprint: THUMBPRINT } };
    expect(codeOf(await post("/commands", trust, guard))).toEqual([403, "FORBIDDEN"]);
  });
});

describe("device events", () => {
  const events = async (query: string, as: SignedIn) => (await park.ask("GET", `/events${query}`, { as })).json();

  it("tell who somebody is only to those who may know it", async () => {
    expect((await events("", guard)).items[0].data.credential).toBe("00012345678901234567");
    expect((await events("", viewer)).items[0].data).toEqual({
      door: "door-token-1",
      reason: "CredentialNotEnabled",
      credential: "***",
    });
  });

  it("are found by door, kind and time, and not by a door that is not seen", async () => {
    const from = new Date(START).toISOString();
    const found = await events(`?door=${PARK.door}&kind=accessDenied&from=${from}`, guard);
    expect(found.items).toHaveLength(1);
    expect((await events(`?to=${from}`, guard)).items).toEqual([]);
    expect((await events("?door=door-9", guard)).items).toEqual([]);
    expect((await events("?from=2016-12-31T23:59:60Z", guard)).code).toBe("TIME_RANGE_INVALID");
  });
});

describe("a camera", () => {
  it("tells its presets with what they show", async () => {
    const [camera] = (await park.ask("GET", "/cameras", { as: guard })).json().items;
    expect(camera).toMatchObject({
      id: PARK.camera,
      video: true,
      presets: [
        { preset: "north", nameEn: "Zone 1" },
        { preset: "door", nameEn: "Door 1" },
      ],
    });
  });

  it.each([
    [{ preset: "north" }, { action: "ptzPreset", params: { preset: "north" } }],
    [
      { pan: -0.5, seconds: 2 },
      { action: "ptzMove", params: { pan: -0.5, tilt: 0, zoom: 0, seconds: 2 } },
    ],
    [{ stop: true }, { action: "ptzStop" }],
    [{ home: true }, { action: "ptzHome" }],
  ])("is turned by %j", async (body, action) => {
    expect((await post(`${CAMERA}/ptz`, body, guard)).statusCode).toBe(202);
    expect(asked()).toEqual({ device: PARK.camera, expiresInMs: 5000, ...action });
  });

  it.each([
    { pan: 2, seconds: 1 },
    { pan: 1 },
    { pan: 1, seconds: 60 },
    { preset: "a", stop: true },
    { stop: false },
    {},
  ])("is not turned by %j", async (body) =>
    expect(codeOf(await post(`${CAMERA}/ptz`, body))).toEqual([400, "VALIDATION"]),
  );

  it("gives a picture to who may watch it", async () => {
    const answer = await park.ask("GET", `${CAMERA}/snapshot`, { as: viewer });
    expect([answer.statusCode, answer.headers["content-type"], answer.headers["cache-control"]]).toEqual([
      200,
      "image/jpeg",
      "no-store",
    ]);
    expect(answer.rawPayload).toEqual(PICTURE);
    const auditor = await park.person("auditor", { role: "auditor", space: PARK.root });
    expect(codeOf(await park.ask("GET", `${CAMERA}/snapshot`, { as: auditor }))).toEqual([403, "FORBIDDEN"]);
  });

  it("that gives none is told with 504, a code and the field's own words", async () => {
    park.clock.advance(1000);
    park.commands.end = { status: "failed", code: "ONVIF_TIMEOUT", message: "no answer within 3000 ms" };
    const answer = await park.ask("GET", `${CAMERA}/snapshot`, { as: guard });
    expect(answer.json()).toMatchObject({ status: 504, code: "SNAPSHOT_FAILED", title: "Gateway Timeout" });
    expect(answer.json().detail).toContain("ONVIF_TIMEOUT: no answer within 3000 ms");
  });

  it("is none when it is something else", async () => {
    for (const url of [`/cameras/${enc(PARK.ahu)}/snapshot`, "/cameras/unknown/snapshot"])
      expect(codeOf(await park.ask("GET", url, { as: engineer }))).toEqual([404, "DEVICE_UNKNOWN"]);
  });
});

describe("setting up a gateway", () => {
  const certificate = `/gateways/gw-1/certificates/${THUMBPRINT}`;

  it("trusts and rejects a certificate on the channel that knows it", async () => {
    for (const [act, action] of [
      ["trust", "trustCertificate"],
      ["reject", "rejectCertificate"],
    ]) {
      expect((await post(`${certificate}/${act}`, { reason: "seen on site" })).statusCode).toBe(202);
      const params = { thumbprint: THUMBPRINT };
      expect(asked()).toEqual({ device: PARK.channel, action, params, reason: "seen on site" });
    }
  });

  it("knows no certificate that no channel has told, nor on another channel", async () => {
    const unknown = `/gateways/gw-1/certificates/${"f".repeat(40)}/trust`;
    expect(codeOf(await post(unknown, {}))).toEqual([404, "CERTIFICATE_UNKNOWN"]);
    expect(codeOf(await post(`${certificate}/trust`, { channel: "other" }))).toEqual([404, "CERTIFICATE_UNKNOWN"]);
    expect(codeOf(await post(`/gateways/gw-9/certificates/${THUMBPRINT}/trust`, {}))).toEqual([404, "NOT_FOUND"]);
  });

  it("searches a channel, or a device of the gateway", async () => {
    await post("/gateways/gw-1/discover", { channel: "opcua" });
    expect(asked()).toEqual({ device: PARK.channel, action: "discover", expiresInMs: 120_000 });
    await post("/gateways/gw-1/discover", { device: PARK.camera });
    expect(asked()).toMatchObject({ device: PARK.camera, action: "discover" });
    const params = { low: 1000, high: 1999, fresh: true };
    await post("/gateways/gw-1/discover", { channel: "opcua", params });
    expect(asked()).toMatchObject({ device: PARK.channel, action: "discover", params });
    expect(codeOf(await post("/gateways/gw-1/discover", { channel: "opcua", params: { low: {} } }))).toEqual([
      400,
      "VALIDATION",
    ]);
    expect(codeOf(await post("/gateways/gw-1/discover", { device: "small-park/gw-2/x" }))).toEqual([
      404,
      "DEVICE_UNKNOWN",
    ]);
    expect(codeOf(await post("/gateways/gw-1/discover", {}))).toEqual([400, "VALIDATION"]);
  });

  it("is for those alone who manage gateways for the whole site, also through the general command", async () => {
    const local = await park.person("engineer-of-a", { role: "engineer", space: "building-a" });
    for (const request of [
      { device: PARK.channel, action: "discover" },
      { device: PARK.channel, action: "trustCertificate", params: { thumbprint: THUMBPRINT } },
      { device: PARK.camera, action: "discover" },
    ]) {
      const answers = [await post("/commands", request, guard), await post("/commands", request, local)];
      expect(answers.map(({ statusCode }) => statusCode).every((status) => status === 403 || status === 404)).toBe(
        true,
      );
      expect((await post("/commands", request)).statusCode).toBe(202);
    }
  });
});
