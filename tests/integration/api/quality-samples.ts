import type { Role } from "#core/contracts/session.ts";
import type { ParkApi, SignedIn } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

import type { Sample } from "./routes-and-roles.ts";

const NOBODY = { name: "somebody", grants: [] };
/** The handover that stays a draft. */
let drafted = "";

/** Draws up a handover for the samples, and adds a facility alarm that may be made quieter. */
export async function furnishShifts(park: ParkApi): Promise<void> {
  park.deps.definitions.add(
    {
      id: "noisy-alarm",
      category: "equipment",
      priority: "low",
      condition: { type: "equals", point: PARK.fence, value: false },
      message: "Noisy",
      messageEn: "Noisy",
    },
    { why: "a sample", actor: NOBODY },
  );
  drafted = (await park.deps.shifts.draft(undefined, NOBODY)).id;
}

/** The draft with the revision that it has now. */
function draft(park: ParkApi): { readonly id: string; readonly revision: number } {
  return { id: drafted, revision: park.deps.shifts.get(drafted).revision };
}

/** One that the outgoing has signed. */
function signed(park: ParkApi, name: string): { readonly id: string; readonly revision: number } {
  const { kysely, sync } = park.db;
  const row = sync.get(kysely.selectFrom("shift_handovers").selectAll().where("id", "=", drafted));
  if (row === undefined) throw new Error("no handover was drawn up");
  const id = `signed-for-${name}-${park.clock.now()}`;
  const mark = { id, revision: 2, status: "signed", outgoing: "somebody-else", outgoing_at: park.clock.now() } as const;
  sync.run(
    kysely
      .insertInto("shift_handovers")
      .values({ ...row, ...mark, open: 0 })
      .onConflict((c) => c.doNothing()),
  );
  return { id, revision: 2 };
}

/** A draft of its own for each who is asked to give one up. */
function aDraftOf(park: ParkApi, name: string): { readonly id: string; readonly revision: number } {
  const { kysely, sync } = park.db;
  const row = sync.get(kysely.selectFrom("shift_handovers").selectAll().where("id", "=", drafted));
  if (row === undefined) throw new Error("no handover was drawn up");
  const id = `draft-of-${name}-${park.clock.now()}`;
  const draft = { ...row, id, revision: 1, status: "draft", outgoing: null, outgoing_at: null, open: 0 } as const;
  sync.run(
    kysely
      .insertInto("shift_handovers")
      .values(draft)
      .onConflict((c) => c.doNothing()),
  );
  return { id, revision: 1 };
}

/** The desk whose handover is drawn up: no other one of it is open. */
function freeDesk(park: ParkApi): undefined {
  const { kysely, sync } = park.db;
  sync.run(kysely.updateTable("shift_handovers").set({ open: 0 }).where("open", "=", 1));
}

/** How the routes of the quality of the alarm system and of the shifts are called. */
export const QUALITY_SAMPLES: Readonly<
  Record<string, (park: ParkApi, as: SignedIn | undefined, role: Role) => Sample>
> = {
  "GET /alarms/kpi": () => ({ url: "/alarms/kpi?by=shift" }),
  "GET /alarms/kpi.csv": () => ({ url: "/alarms/kpi.csv?lang=en" }),
  "GET /alarms/quality/now": () => ({ url: "/alarms/quality/now" }),
  "GET /alarms/quality/bad-actors": () => ({ url: "/alarms/quality/bad-actors" }),
  "POST /alarms/quality/bad-actors/:id/accept": (_park, as) => ({
    url: "/alarms/quality/bad-actors/noisy-alarm/accept",
    payload: { kind: "onDelay", value: 100 + (as?.name.length ?? 0), reason: "it bounces" },
  }),
  "POST /alarms/quality/bad-actors/:id/dismiss": () => ({
    url: "/alarms/quality/bad-actors/noisy-alarm/dismiss",
    payload: { kind: "offDelay", value: 5000, reason: "the valve is being mended" },
  }),
  "GET /shifts/now": () => ({ url: "/shifts/now" }),
  "GET /shifts/plan": () => ({ url: "/shifts/plan" }),
  "PUT /shifts/plan": (park) => ({
    url: "/shifts/plan",
    payload: { version: park.deps.shifts.plan().version, starts: ["07:30", "19:30"], reason: "winter" },
  }),
  "GET /shifts/preview": () => ({ url: "/shifts/preview" }),
  "GET /shifts/handovers": () => ({ url: "/shifts/handovers" }),
  "POST /shifts/handovers": (park) => ({ url: "/shifts/handovers", status: 201, payload: freeDesk(park) ?? {} }),
  "GET /shifts/handovers/:id": (park) => ({ url: `/shifts/handovers/${draft(park).id}` }),
  "PUT /shifts/handovers/:id": (park) => ({
    url: `/shifts/handovers/${draft(park).id}`,
    payload: { revision: draft(park).revision, notes: "the lift at the north gate is being serviced" },
  }),
  "POST /shifts/handovers/:id/sign": (park) => ({
    url: `/shifts/handovers/${draft(park).id}/sign`,
    payload: { revision: draft(park).revision },
  }),
  "POST /shifts/handovers/:id/discard": (park, as) => {
    const { id, revision } = aDraftOf(park, as?.name ?? "nobody");
    return { url: `/shifts/handovers/${id}/discard`, payload: { revision, reason: "drawn up by mistake" } };
  },
  "POST /shifts/handovers/:id/confirm": (park, as) => {
    const { id, revision } = signed(park, as?.name ?? "nobody");
    return { url: `/shifts/handovers/${id}/confirm`, payload: { revision } };
  },
};
