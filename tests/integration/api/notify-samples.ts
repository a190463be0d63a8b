import type { NotifyKind, NotifyObjects } from "#core/contracts/notify.ts";
import type { ParkApi } from "#tests/fixtures/cloud/park-api.ts";

/** One good object of each kind; they refer to each other. */
export const NOTIFY_OBJECTS: {
  readonly [K in NotifyKind]: { readonly id: string; readonly document: NotifyObjects[K] };
} = {
  positions: {
    id: "fire-control",
    document: { name: "消防控制室", nameEn: "Fire control", areas: [], categories: ["fire"] },
  },
  contacts: {
    id: "li.wei",
    document: {
      name: "李伟",
      language: "zh-CN",
      email: "li.wei@park.example",
      phone: "+86 138 0000 0000",
      groups: ["duty"],
    },
  },
  rotas: {
    id: "control-room",
    document: {
      slots: [{ days: [1, 2, 3, 4, 5], from: "08:00", to: "20:00", contacts: [] }],
      overrides: [],
      otherwise: [],
    },
  },
  channels: {
    id: "hook",
    document: { type: "webhook", name: "Hook", url: "https://hooks.example.com/park", language: "en" },
  },
  rules: {
    id: "all",
    document: {
      name: "Everything",
      position: "control-room",
      enabled: true,
      on: ["raised"],
      laws: [],
      categories: [],
      priorities: [],
      steps: [{ afterMinutes: 0, to: [{ type: "onCall", position: "control-room" }], channels: ["hook"] }],
      quietHours: [],
      groupSeconds: 60,
      tooLateMinutes: 60,
      stopWhenCleared: true,
    },
  },
};
const KINDS = Object.keys(NOTIFY_OBJECTS) as NotifyKind[];
const SYSTEM = { name: "system", grants: [] };

/** Makes sure that an object is there and gives the version that it has. */
function made<K extends NotifyKind>({ deps }: ParkApi, kind: K): number {
  const { id, document } = NOTIFY_OBJECTS[kind];
  const held = deps.notify.list(kind).find((one) => one.id === id);
  return (held ?? deps.notify.put({ kind, id, version: 0, document }, SYSTEM)).version;
}

/** What must be there before a rule may refer to it. */
function withChannel(park: ParkApi): void {
  made(park, "channels");
}

/** Nothing may refer to what is to be removed. */
function withoutRule({ deps }: ParkApi): void {
  for (const { id, version } of deps.notify.list("rules")) deps.notify.remove("rules", id, version, SYSTEM);
}

/** How each route of the notification is called with a request that is right. */
export const notifySamples = {
  ...Object.fromEntries(KINDS.map((kind) => [`GET /notify/${kind}`, () => ({ url: `/notify/${kind}` })])),
  ...Object.fromEntries(
    KINDS.map((kind) => [
      `PUT /notify/${kind}/:id`,
      (park: ParkApi) => {
        withChannel(park);
        const { id, document } = NOTIFY_OBJECTS[kind];
        return { url: `/notify/${kind}/${id}`, payload: { version: made(park, kind), document, why: "a better one" } };
      },
    ]),
  ),
  ...Object.fromEntries(
    KINDS.map((kind) => [
      `DELETE /notify/${kind}/:id`,
      (park: ParkApi) => {
        withoutRule(park);
        withChannel(park);
        const { id } = NOTIFY_OBJECTS[kind];
        return { url: `/notify/${kind}/${id}?version=${made(park, kind)}`, status: 204 };
      },
    ]),
  ),
  "GET /notify/versions": () => ({ url: "/notify/versions?kind=positions" }),
  "GET /notify/on-call": () => ({ url: "/notify/on-call?at=2026-11-23T09:00:00Z" }),
  "GET /notify/deliveries": () => ({ url: "/notify/deliveries?status=sent&language=en" }),
  "POST /notify/channels/:id/test": (park: ParkApi) => {
    withChannel(park);
    return { url: `/notify/channels/${NOTIFY_OBJECTS.channels.id}/test`, payload: {} };
  },
};
