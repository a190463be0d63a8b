import type { Clock } from "#core/clock.ts";
import type { ActionRequest, ActionResult } from "../../driver.ts";
import { type DiscoverDeps, discover, type KnownDevice } from "../discovery/action.ts";
import type { WhoHasAsker } from "./control/who-has.ts";
import type { DeviceLink } from "./device-link.ts";
import { readingOf } from "./map.ts";
import { BACNET_ACTIONS, type BacnetAction } from "./vocabulary.ts";
import type { Lease } from "./writing/lease.ts";
import type { LeaseKeeper } from "./writing/lease-keeper.ts";

/** What actions work on. */
export interface ActionDeps {
  readonly clock: Clock;
  readonly leases: LeaseKeeper;
  readonly links: readonly DeviceLink[];
  readonly whoHas: WhoHasAsker;
  readonly discovery: Omit<DiscoverDeps, "known">;
}

type Perform = (request: ActionRequest, deps: ActionDeps, signal: AbortSignal) => Promise<ActionResult>;

const rejected = (code: string, message: string): ActionResult => ({ status: "rejected", code, message });
const failed = (code: string, message: string): ActionResult => ({ status: "failed", code, message });

/** Performs an action of a device, or of the channel where `device` is none of its devices. */
export async function actOn(request: ActionRequest, deps: ActionDeps, signal: AbortSignal): Promise<ActionResult> {
  const action = BACNET_ACTIONS.find((name) => name === request.action);
  if (action === undefined) {
    return rejected("ACTION_UNKNOWN", `BACnet device ${request.device} has no action ${request.action}`);
  }
  return ACTIONS[action](request, deps, signal);
}

const ACTIONS: Readonly<Record<BacnetAction, Perform>> = {
  priorityArray,
  writeLeases,
  releaseWrites,
  acknowledgeCondition: onDevice,
  deviceCommunicationControl: onDevice,
  reinitializeDevice: onDevice,
  timeSync: onDevice,
  readSchedule: onDevice,
  writeWeeklySchedule: onDevice,
  readCalendar: onDevice,
  whoHas: (request, { whoHas }, signal) => whoHas.ask(request, signal),
  discover: ({ device, params }, { links, discovery }, signal) => {
    const known = links.map(
      ({ instance, session, place }): KnownDevice => ({ instance, peer: session?.peer ?? place }),
    );
    const asked = links.findIndex((link) => link.device === device);
    return discover(known[asked], params, { ...discovery, known }, signal);
  },
};

/** What a device's link does by itself. */
async function onDevice(request: ActionRequest, { links }: ActionDeps, signal: AbortSignal): Promise<ActionResult> {
  const link = links.find((candidate) => candidate.device === request.device);
  return (
    link?.act(request, signal) ?? rejected("BACNET_DEVICE_UNKNOWN", `${request.device} is no device of this channel`)
  );
}

async function priorityArray({ device, params }: ActionRequest, { links }: ActionDeps): Promise<ActionResult> {
  const link = links.find((candidate) => candidate.device === device);
  const point = params["point"];
  if (link === undefined) return rejected("BACNET_DEVICE_UNKNOWN", `${device} is no device of this channel`);
  if (typeof point !== "string" || !link.has(point)) {
    return rejected("BACNET_POINT_UNKNOWN", `expected in "point" a point of ${device}, got ${JSON.stringify(point)}`);
  }
  const view = await link.priorities(point);
  return typeof view === "string" ? failed("BACNET_NO_PRIORITY_ARRAY", view) : json(view);
}

async function writeLeases(request: ActionRequest, deps: ActionDeps): Promise<ActionResult> {
  const leases = meant(request, deps).map(({ point, instance, object, priority, value, owner, at, expiresAt }) => ({
    point,
    instance,
    object: `${object.type}:${object.instance}`,
    priority,
    value: readingOf({ object, property: Number.NaN, cov: false }, [value]).value,
    at,
    ...(owner === undefined ? {} : { owner }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }));
  return json({ at: deps.clock.now(), leases });
}

async function releaseWrites(request: ActionRequest, deps: ActionDeps): Promise<ActionResult> {
  const ending = new Set(meant(request, deps));
  const releases = await deps.leases.release((lease) => ending.has(lease));
  const count = (wanted: string): number => releases.filter((release) => release === wanted).length;
  return {
    ...json({ at: deps.clock.now(), released: count("done"), overtaken: count("gone"), pending: count("later") }),
    status: "done",
  };
}

/** Leases that a request names: of its device or of the whole channel, of one owner, of one point. */
function meant({ device, params }: ActionRequest, { leases, links }: ActionDeps): readonly Lease[] {
  const link = links.find((candidate) => candidate.device === device);
  const { owner, point, priority } = params;
  return leases.leases.filter(
    (lease) =>
      (link === undefined || lease.instance === link.instance) &&
      (owner === undefined || lease.owner === owner) &&
      (point === undefined || lease.point === point) &&
      (priority === undefined || lease.priority === priority),
  );
}

function json(value: unknown): ActionResult & { status: "done" } {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { status: "done", blob: { contentType: "application/json", bytes } };
}
