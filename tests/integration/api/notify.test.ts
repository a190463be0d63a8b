import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ParkApi, parkApi, type SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { NOTIFY_OBJECTS } from "./notify-samples.ts";

let park: ParkApi;
let chief: SignedIn;
beforeAll(async () => {
  park = await parkApi();
  chief = await park.person("chief", { role: "administrator", space: PARK.root });
});
afterAll(() => park.close());

const ask = (method: "GET" | "PUT" | "POST" | "DELETE", url: string, payload?: object) =>
  park.ask(method, `/notify/${url}`, { as: chief, ...(payload === undefined ? {} : { payload }) });
const codeOf = async (answer: ReturnType<typeof ask>): Promise<string> => {
  const { statusCode, body } = await answer;
  return `${statusCode} ${JSON.parse(body).code}`;
};
const { channels, contacts, positions, rotas, rules } = NOTIFY_OBJECTS;

describe("setting up notification", () => {
  it("begins with one position that looks after the whole site, which cannot be removed as the last", async () => {
    const { items } = (await ask("GET", "positions")).json();
    expect(items).toEqual([
      {
        id: "control-room",
        version: 1,
        document: { name: "值班室", nameEn: "Control room", areas: [], categories: [] },
      },
    ]);
    expect(await codeOf(ask("DELETE", "positions/control-room?version=1"))).toBe("409 NOTIFY_IN_USE");
  });

  it("keeps versions with who and why, and refuses a change of one that somebody else has changed", async () => {
    const { id, document } = positions;
    expect((await ask("PUT", `positions/${id}`, { version: 0, document, why: "fire brigade" })).json().version).toBe(1);
    expect(await codeOf(ask("PUT", `positions/${id}`, { version: 0, document }))).toBe("409 NOTIFY_VERSION_STALE");
    expect((await ask("PUT", `positions/${id}`, { version: 1, document })).json().version).toBe(2);
    const { items } = (await ask("GET", `versions?kind=positions&id=${id}`)).json();
    expect(items).toMatchObject([
      { version: 2, by: "chief" },
      { version: 1, by: "chief", why: "fire brigade", document },
    ]);
    expect(park.deps.audit.list({ limit: 1 }).items).toMatchObject([
      { actor: "chief", action: "notify.positions.put", target: id },
    ]);
    expect((await ask("DELETE", `positions/${id}?version=2`)).statusCode).toBe(204);
    // made anew its numbers go on
    expect((await ask("PUT", `positions/${id}`, { version: 0, document })).json().version).toBe(4);
  });

  it("takes secrets and never gives them back, nor keeps them in the records", async () => {
    const secrets = { signingKey: "nobody-sees-this", secret: "nor-this" };
    const put = await ask("PUT", `channels/${channels.id}`, { version: 0, document: channels.document, secrets });
    expect(put.json()).toMatchObject({ secretsSet: ["secret", "signingKey"] });
    const list = await ask("GET", "channels");
    const { kysely, sync } = park.db;
    const stored = [
      sync.all(kysely.selectFrom("notify_versions").selectAll()),
      sync.all(kysely.selectFrom("audit").selectAll()),
    ];
    expect([put.body, list.body, JSON.stringify(stored), ...park.log.lines].join()).not.toMatch(/nobody-sees|nor-this/);
    // an empty one is removed, one that is not named stays
    const again = { version: 1, document: channels.document, secrets: { secret: "" } };
    expect((await ask("PUT", `channels/${channels.id}`, again)).json().secretsSet).toEqual(["signingKey"]);
    const foreign = { version: 2, document: channels.document, secrets: { password: "x" } };
    expect(await codeOf(ask("PUT", `channels/${channels.id}`, foreign))).toBe("400 NOTIFY_INVALID");
  });

  it("refuses what refers to nothing, and does not let go what is referred to", async () => {
    const put = (document: object) => ask("PUT", `rules/${rules.id}`, { version: 0, document });
    const [step] = rules.document.steps;
    expect(await codeOf(put({ ...rules.document, position: "nowhere" }))).toBe("422 NOTIFY_REFERENCE_UNKNOWN");
    expect(await codeOf(put({ ...rules.document, steps: [{ ...step, channels: ["none"] }] }))).toBe(
      "422 NOTIFY_REFERENCE_UNKNOWN",
    );
    const wrong = { ...contacts.document, user: "nobody" };
    expect(await codeOf(ask("PUT", "contacts/x", { version: 0, document: wrong }))).toBe(
      "422 NOTIFY_REFERENCE_UNKNOWN",
    );
    expect((await put(rules.document)).statusCode).toBe(200);
    expect(await codeOf(ask("DELETE", `channels/${channels.id}?version=2`))).toBe("409 NOTIFY_IN_USE");
  });

  it.each([
    ["channels/a", { ...channels.document, url: "https://user:pass@hooks.example.com/" }],
    ["channels/a", { ...channels.document, url: "https://{{secret}}.example.com/" }],
    ["channels/a", { ...channels.document, headers: { "X-Parkhub-Signature": "v1=0" } }],
    [
      "rotas/control-room",
      { ...rotas.document, overrides: [{ from: "2026-01-02T00:00", to: "2026-01-01T00:00", contacts: [] }] },
    ],
    [
      "rules/a",
      { ...rules.document, steps: [5, 1].map((afterMinutes) => ({ ...rules.document.steps[0], afterMinutes })) },
    ],
  ])("refuses %s that cannot be right", async (url, document) => {
    expect(await codeOf(ask("PUT", url, { version: 0, document }))).toBe("400 NOTIFY_INVALID");
  });

  it.each([
    ["contacts/a", { ...contacts.document, email: "a@b\r\nBcc: c@d" }],
    ["contacts/a", { ...contacts.document, phone: "110; drop" }],
    ["channels/a", { ...channels.document, headers: { "x-a": "b\r\nc: d" } }],
    ["channels/a", { ...channels.document, url: "ftp://hooks.example.com/" }],
    ["rules/a", { ...rules.document, groupSeconds: 100_000 }],
    ["positions/a", { ...positions.document, escalateMinutes: { urgent: 1441 } }],
    ["positions/a", { ...positions.document, escalateMinutes: { urgent: 0.5 } }],
    ["positions/a", { ...positions.document, escalateMinutes: { sometimes: 5 } }],
    ["rotas/control-room", { ...rotas.document, slots: [{ days: [0], from: "08:00", to: "24:00", contacts: [] }] }],
  ])("refuses %s that is none by its schema", async (url, document) => {
    expect(await codeOf(ask("PUT", url, { version: 0, document }))).toBe("400 VALIDATION");
  });

  it("sends no test message where the egress list names nothing, and the ledger says why", async () => {
    const result = (await ask("POST", `channels/${channels.id}/test`, {})).json();
    expect(result).toMatchObject({ sent: false, reason: expect.stringContaining("EGRESS_FORBIDDEN") });
    const { items } = (await ask("GET", "deliveries?status=givenUp&limit=1&language=en")).json();
    expect(items).toMatchObject([{ id: result.delivery, transition: "test", title: "Parkhub Test message" }]);
    expect(await codeOf(ask("POST", "channels/none/test", {}))).toBe("404 NOTIFY_UNKNOWN");
  });
});
