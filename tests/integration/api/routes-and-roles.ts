import { createHash } from "node:crypto";
import type { Role } from "#core/contracts/session.ts";
import type { GatewayId } from "#core/ids.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Procedure } from "#core/model/procedure.ts";
import { anAlarm } from "#tests/fixtures/cloud/alarms.ts";
import { type Ask, PASSWORD, type ParkApi, type SignedIn, START } from "#tests/fixtures/cloud/park-api.ts";
import { A_RUN } from "#tests/fixtures/cloud/services.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";
import { notifySamples } from "./notify-samples.ts";
import { furnishShifts, QUALITY_SAMPLES } from "./quality-samples.ts";

/** A picture that an alarm at the perimeter holds. */
export const PICTURE = Buffer.from("the bytes of a picture");
export const PICTURE_SHA = createHash("sha256").update(PICTURE).digest("hex");
/** A certificate that waits for a person. */
export const THUMBPRINT = "0123456789abcdef0123456789abcdef01234567";
/** The alarm at the perimeter. */
export const ALARM = "alarm-at-the-fence";
/** One in an office, on which work by its procedure has begun. */
const ANOTHER = "alarm-in-the-office";
/** A command on the setpoint in building A. */
export const COMMAND = "command-1";

/** One good request of a route. */
export interface Sample extends Ask {
  /** Path below `/api/v1` with real ids. */
  readonly url: string;
  /** Status when the caller may; 200 when absent. */
  readonly status?: number;
}

const enc = encodeURIComponent;
/** A job that has failed for the last time. */
function deadJobOf({ db, clock }: ParkApi): { kind: string; key: string } {
  const job = { kind: "nightly", key: "repeat" };
  const at = clock.now();
  const row = { ...job, data: "{}", run_at: at, attempt: 8, failed_at: at, error: "NOT_TODAY: it rains" };
  db.sync.run(
    db.kysely
      .insertInto("dead_jobs")
      .values(row)
      .onConflict((c) => c.doNothing()),
  );
  return job;
}
const act = { payload: { occurrence: 1 } } as const;
const acts = ["acknowledge", "reset", "shelve", "unshelve", "out-of-service", "return-to-service", "comment"];

/**
 * How each route is called with a request that is right. A route that is not here fails the test that walks over all of them.
 * `role` and `as` make requests of different callers differ where they must.
 */
export const SAMPLES: Readonly<Record<string, (park: ParkApi, as: SignedIn | undefined, role: Role) => Sample>> = {
  "POST /session": () => ({ url: "/session", payload: { username: "doorman", password: PASSWORD } }),
  "GET /session": () => ({ url: "/session" }),
  "PUT /session/password": () => ({
    url: "/session/password",
    status: 204,
    payload: { current: PASSWORD, password: `${PASSWORD} and more` },
  }),
  "DELETE /session": () => ({ url: "/session", status: 204 }),
  "GET /users": () => ({ url: "/users" }),
  "POST /users": (park, as, role) => ({
    url: "/users",
    status: 201,
    payload: {
      name: `made-by-${as?.name ?? "nobody"}`,
      displayName: "New",
      password: PASSWORD,
      grants: [{ role: "viewer", space: park.users.get(as?.name ?? "")?.grants[0]?.space ?? role }],
    },
  }),
  "GET /tokens": () => ({ url: "/tokens" }),
  "POST /tokens": (park, as) => ({
    url: "/tokens",
    status: 201,
    payload: { name: "program", grants: park.users.get(as?.name ?? "")?.grants ?? [] },
  }),
  "DELETE /tokens/:id": (park, as) => ({ url: `/tokens/${tokenOf(park, as)}`, status: 204 }),
  "GET /spaces": () => ({ url: "/spaces" }),
  "GET /partitions": () => ({ url: "/partitions" }),
  "GET /zones": () => ({ url: "/zones" }),
  "GET /cameras": () => ({ url: "/cameras" }),
  "POST /cameras/:id/ptz": () => ({
    url: `/cameras/${enc(PARK.camera)}/ptz`,
    status: 202,
    payload: { preset: "north" },
  }),
  "GET /cameras/:id/presets": () => ({ url: `/cameras/${enc(PARK.camera)}/presets` }),
  "GET /cameras/:id/snapshot": () => ({ url: `/cameras/${enc(PARK.camera)}/snapshot` }),
  "GET /doors": () => ({ url: "/doors" }),
  "GET /doors/:id": () => ({ url: `/doors/${PARK.door}` }),
  "POST /doors/:id/operate": () => ({
    url: `/doors/${PARK.door}/operate`,
    status: 202,
    payload: { operation: "access" },
  }),
  "GET /events": () => ({ url: "/events" }),
  "GET /points": () => ({ url: "/points" }),
  "GET /points/:id": () => ({ url: `/points/${enc(PARK.setpoint)}` }),
  "GET /points/:id/history": () => ({ url: `/points/${enc(PARK.setpoint)}/history?from=2026-11-21T00:00:00Z` }),
  "GET /history": () => ({ url: `/history?points=${enc(PARK.setpoint)}&from=2026-11-21T00:00:00Z` }),
  "GET /history.csv": () => ({ url: `/history.csv?points=${enc(PARK.setpoint)}&from=2026-11-21T00:00:00Z&raw=true` }),
  "GET /devices": () => ({ url: "/devices" }),
  "GET /devices/:id": () => ({ url: `/devices/${enc(PARK.ahu)}` }),
  "GET /alarms": () => ({ url: "/alarms" }),
  "GET /alarms/positions": () => ({ url: "/alarms/positions" }),
  ...QUALITY_SAMPLES,
  "GET /alarms/journal": () => ({ url: "/alarms/journal" }),
  "GET /alarms/journal.csv": () => ({ url: "/alarms/journal.csv?lang=en" }),
  "POST /alarms/:id/evidence": () => ({
    url: `/alarms/${ALARM}/evidence`,
    payload: { reason: "asked for by the police" },
  }),
  "GET /alarms/journal/verification": () => ({ url: "/alarms/journal/verification" }),
  "POST /alarms/acknowledge": () => ({
    url: "/alarms/acknowledge",
    payload: { items: [{ id: ALARM, occurrence: 1 }] },
  }),
  "POST /alarms/shelve": () => ({
    url: "/alarms/shelve",
    payload: { items: [{ id: ALARM, occurrence: 1 }], comment: "works" },
  }),
  "GET /alarms/:id/assignees": () => ({ url: `/alarms/${ALARM}/assignees` }),
  "POST /alarms/:id/assign": () => ({
    url: `/alarms/${ALARM}/assign`,
    payload: { occurrence: 1, assignee: null },
  }),
  "GET /alarms/:id": () => ({ url: `/alarms/${ALARM}` }),
  ...Object.fromEntries(
    acts.map((name) => [`POST /alarms/:id/${name}`, () => ({ url: `/alarms/${ALARM}/${name}`, ...act })]),
  ),
  "GET /maintenance/permits": () => ({ url: "/maintenance/permits" }),
  "POST /maintenance/permits": () => ({ url: "/maintenance/permits", status: 201, payload: A_PERMIT }),
  "POST /maintenance/permits/:id/approve": (park) => ({
    url: `/maintenance/permits/${permitOf(park)}/approve`,
    payload: {},
  }),
  "POST /maintenance/permits/:id/reject": (park) => ({
    url: `/maintenance/permits/${permitOf(park)}/reject`,
    payload: {},
  }),
  "POST /maintenance/permits/:id/end": (park) => ({ url: `/maintenance/permits/${permitOf(park)}/end`, payload: {} }),
  "POST /commands": () => ({ url: "/commands", status: 202, payload: { point: PARK.setpoint, value: 21 } }),
  "GET /commands/:id": () => ({ url: `/commands/${COMMAND}` }),
  "GET /rules": () => ({ url: "/rules" }),
  "GET /rules/:id/runs": () => ({ url: `/rules/${PARK.rule}/runs` }),
  "GET /runs/:id": () => ({ url: `/runs/${A_RUN.id}` }),
  "POST /rules/:id/enable": () => ({ url: `/rules/${PARK.rule}/enable` }),
  "POST /rules/:id/disable": () => ({ url: `/rules/${PARK.rule}/disable` }),
  "GET /gateways": () => ({ url: "/gateways" }),
  "GET /gateways/:id": () => ({ url: `/gateways/${enc(PARK.gateway)}` }),
  "GET /gateways/:id/completeness": () => ({ url: "/gateways/gw-1/completeness" }),
  "GET /gateways/:id/quarantine": () => ({ url: "/gateways/gw-1/quarantine" }),
  "GET /gateways/:id/quarantine/:row": () => ({ url: "/gateways/gw-1/quarantine/1" }),
  "GET /gateways/:id/findings": () => ({ url: "/gateways/gw-1/findings" }),
  "GET /gateways/:id/statements": () => ({ url: "/gateways/gw-1/statements" }),
  "GET /gateways/:id/statements/now": () => ({ url: "/gateways/gw-1/statements/now" }),
  "GET /gateways/:id/statements/chain": () => ({ url: "/gateways/gw-1/statements/chain" }),
  "GET /gateways/:id/statements/:day": () => ({ url: "/gateways/gw-1/statements/2026-11-20" }),
  "GET /statements/key": () => ({ url: "/statements/key" }),
  "GET /gateways/:id/bundle": () => ({ url: "/gateways/gw-1/bundle" }),
  "PUT /gateways/:id/blobs/:sha256": () => ({
    url: `/gateways/gw-1/blobs/${PICTURE_SHA}`,
    status: 204,
    payload: PICTURE,
    headers: { "content-type": "image/jpeg" },
  }),
  "GET /gateways/:id/certificates": () => ({ url: "/gateways/gw-1/certificates" }),
  "POST /gateways/:id/certificates/:thumbprint/trust": () => ({
    url: `/gateways/gw-1/certificates/${THUMBPRINT}/trust`,
    status: 202,
    payload: {},
  }),
  "POST /gateways/:id/certificates/:thumbprint/reject": () => ({
    url: `/gateways/gw-1/certificates/${THUMBPRINT}/reject`,
    status: 202,
    payload: {},
  }),
  "POST /gateways/:id/discover": () => ({
    url: "/gateways/gw-1/discover",
    status: 202,
    payload: { channel: "opcua" },
  }),
  ...notifySamples,
  "GET /jobs": () => ({ url: "/jobs" }),
  "POST /jobs/dead/retry": (park) => ({ url: "/jobs/dead/retry", payload: deadJobOf(park) }),
  "GET /mqtt-clients": () => ({ url: "/mqtt-clients" }),
  "POST /mqtt-clients": (_park, as) => ({
    url: "/mqtt-clients",
    status: 201,
    payload: { kind: "reader", name: `made-by-${as?.name ?? "nobody"}` },
  }),
  "DELETE /mqtt-clients/:id": () => ({ url: "/mqtt-clients/scada", status: 204 }),
  "GET /blobs/:sha256": () => ({ url: `/blobs/${PICTURE_SHA}` }),
  "GET /alarm-definitions": () => ({ url: "/alarm-definitions" }),
  "GET /alarm-definitions/proposals": () => ({ url: "/alarm-definitions/proposals" }),
  "GET /alarm-definitions/:id": () => ({ url: "/alarm-definitions/fence-alarm" }),
  "GET /alarm-definitions/:id/history": () => ({ url: "/alarm-definitions/fence-alarm/history" }),
  "POST /alarm-definitions": (_park, as) => ({
    url: "/alarm-definitions",
    status: 201,
    payload: { definition: aDefinition(`of-${as?.name ?? "nobody"}`), why: "asked for" },
  }),
  "PUT /alarm-definitions/:id": (park, as) => ({
    url: "/alarm-definitions/warm-office",
    payload: {
      revision: revisionOf(park, "warm-office"),
      change: { response: `by ${as?.name ?? "nobody"}` },
      why: "clearer",
    },
  }),
  "POST /alarm-definitions/:id/retire": (park) => ({
    url: `/alarm-definitions/${notWaiting(park, "gate-alarm")}/retire`,
    payload: { revision: revisionOf(park, "gate-alarm"), why: "not wanted" },
  }),
  "POST /alarm-definitions/:id/revert": (park) => ({
    url: "/alarm-definitions/warm-office/revert",
    payload: { revision: revisionOf(park, "warm-office"), to: 1, why: "as it was" },
  }),
  "POST /alarm-definitions/proposals/:id/approve": (park) => ({
    url: `/alarm-definitions/proposals/${proposalOf(park)}/approve`,
    payload: {},
  }),
  "POST /alarm-definitions/proposals/:id/refuse": (park) => ({
    url: `/alarm-definitions/proposals/${proposalOf(park)}/refuse`,
    payload: { reason: "no" },
  }),
  "GET /procedures": () => ({ url: "/procedures" }),
  "GET /procedures/:id": () => ({ url: "/procedures/fence" }),
  "GET /procedures/:id/versions": () => ({ url: "/procedures/fence/versions" }),
  "POST /procedures": (_park, as) => ({
    url: "/procedures",
    status: 201,
    payload: { procedure: aProcedure(`by-${as?.name ?? "nobody"}`) },
  }),
  "PUT /procedures/:id": (park) => ({
    url: "/procedures/fence",
    payload: { procedure: aProcedure("fence"), revision: park.deps.procedures.library.get("fence")?.revision ?? 0 },
  }),
  "POST /procedures/:id/publish": (park) => ({
    url: "/procedures/fence/publish",
    payload: { revision: draftOf(park), reason: "in force" },
  }),
  "POST /procedures/:id/retire": () => ({ url: "/procedures/old/retire", payload: { reason: "out of use" } }),
  "GET /alarms/:id/procedure": () => ({ url: `/alarms/${ALARM}/procedure` }),
  "POST /alarms/:id/procedure/start": () => ({ url: `/alarms/${ALARM}/procedure/start`, ...act }),
  "POST /alarms/:id/procedure/steps/:n/confirm": () => ({ url: `/alarms/${ALARM}/procedure/steps/1/confirm`, ...act }),
  "POST /alarms/:id/procedure/steps/:n/skip": () => ({
    url: `/alarms/${ALARM}/procedure/steps/2/skip`,
    payload: { occurrence: 1, reason: "nobody there" },
  }),
  "POST /alarms/:id/procedure/abandon": () => ({
    url: `/alarms/${ANOTHER}/procedure/abandon`,
    payload: { occurrence: 1, reason: "false alarm" },
  }),
  "GET /audit": () => ({ url: "/audit" }),
  "GET /audit/verify": () => ({ url: "/audit/verify" }),
};

const A_PERMIT = {
  areas: ["perimeter"],
  categories: ["equipment" as const],
  until: new Date(START + 3_600_000).toISOString(),
  reason: "works",
};

/** A permit that somebody else has asked for. */
function permitOf(park: ParkApi): string {
  return park.deps.maintenance.request(A_PERMIT, { name: "somebody", grants: [] }).id;
}

function tokenOf(park: ParkApi, as: SignedIn | undefined): string {
  const user = park.users.get(as?.name ?? "");
  if (user === undefined) return "none";
  const actor = { name: user.name, grants: user.grants };
  return park.deps.access.addToken(user.name, "to-be-withdrawn", user.grants, null, actor).entry.id;
}

const SOMEBODY = { name: "somebody", grants: [] };

/** A facility alarm on the temperature of an office. */
function aDefinition(id: string): AlarmDefinition {
  return {
    id,
    category: "comfort",
    priority: "low",
    condition: { type: "above", point: PARK.temperature, limit: 28, deadband: 1 },
    message: "Too warm",
    messageEn: "Too warm",
  };
}

/** A procedure for intrusions. */
function aProcedure(id: string): Procedure {
  const step = { title: "Look", titleEn: "Look", confirm: "person" as const };
  return {
    id,
    title: "Intrusion",
    titleEn: "Intrusion",
    scope: { categories: ["intrusion"], areas: ["perimeter", "building-a"] },
    steps: [step, { ...step, mandatory: true }, step],
  };
}

const revisionOf = (park: ParkApi, id = "fence-alarm"): number => park.deps.definitions.get(id)?.revision ?? 0;

/** The definition, with nothing that waits for a second person. */
function notWaiting({ deps: { definitions } }: ParkApi, id: string): string {
  const waiting = definitions.get(id)?.pending;
  if (waiting !== undefined) definitions.refuse(waiting.id, SOMEBODY);
  return id;
}

/** A change of the fence's alarm that waits for a second person: a new one, whatever became of the last. */
function proposalOf({ deps: { definitions } }: ParkApi): string {
  const waiting = definitions.get("fence-alarm")?.pending;
  if (waiting !== undefined) return waiting.id;
  const onDelayMs = (definitions.get("fence-alarm")?.definition.onDelayMs ?? 0) + 1000;
  const change = { onDelayMs };
  return definitions.change({ definition: "fence-alarm", change, why: "wind", actor: SOMEBODY }).proposal?.id ?? "none";
}

/** Revision of a draft of the fence's procedure, which is made where there is none. */
function draftOf({ deps: { procedures } }: ParkApi): number {
  const { library } = procedures;
  const { draft, revision = 0 } = library.get("fence") ?? {};
  return draft === undefined ? library.save("fence", aProcedure("fence"), revision, SOMEBODY).revision : revision;
}

/** Fills the park with what the samples ask for. */
export async function furnish(park: ParkApi): Promise<void> {
  await furnishShifts(park);
  await park.addUser("doorman", [{ role: "viewer", space: PARK.root }]);
  park.alarms.put(anAlarm(ALARM, "perimeter", { snapshots: [`/api/v1/blobs/${PICTURE_SHA}`] }));
  park.alarms.put(anAlarm(ANOTHER, "office-a"));
  park.alarms.put(anAlarm("alarm-of-nowhere", undefined));
  const asked = { why: "asked for", actor: SOMEBODY };
  park.deps.definitions.add(aDefinition("warm-office"), asked);
  park.deps.definitions.add({ ...aDefinition("gate-alarm"), category: "access" }, asked);
  park.deps.definitions.change({ ...asked, definition: "fence-alarm", change: { response: "Look" } });
  proposalOf(park);
  const { library, runs } = park.deps.procedures;
  for (const id of ["fence", "old"]) library.create(aProcedure(id), SOMEBODY);
  library.publish("fence", 1, "in force", SOMEBODY);
  runs.start(ANOTHER, { occurrence: 1 }, SOMEBODY);
  await park.deps.blobs.put(PICTURE_SHA, "image/jpeg", PICTURE);
  park.pictureSpaces.set(PICTURE_SHA, [undefined, "perimeter"]);
  park.commands.end = { status: "done", blob: `/api/v1/blobs/${PICTURE_SHA}` };
  park.certificates.take(PARK.gateway as GatewayId, {
    offset: 1,
    at: START,
    kind: "certificates",
    channel: "opcua",
    certificates: [
      {
        thumbprint: THUMBPRINT,
        subject: "CN=fire panel",
        issuer: "CN=maker",
        notBefore: START - 1000,
        notAfter: START + 1000,
        trust: "rejected",
      },
    ],
  });
  park.deviceEvents.take(PARK.gateway as GatewayId, {
    offset: 2,
    at: START,
    kind: "deviceEvent",
    event: {
      id: "event-1",
      device: PARK.doors,
      kind: "accessDenied",
      observedAt: START,
      data: { door: "door-token-1", reason: "CredentialNotEnabled", credential: "00012345678901234567" },
    },
  });
  park.findings.found(PARK.gateway as GatewayId, { kind: "clone" });
  await park.completeness.closeDay(Date.parse("2026-11-20T16:05:00Z"));
  const reader = { kind: "reader", name: "scada", clientId: "scada", mayCommand: false } as const;
  await park.deps.mqttClients.add(reader, { name: "somebody", grants: [] });
  park.deps.commands.request({ point: PARK.setpoint, value: 20 }, { name: "somebody", grants: [] });
  permitOf(park);
}
