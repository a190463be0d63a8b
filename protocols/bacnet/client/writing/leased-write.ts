import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { WriteRequest, WriteResult } from "../../../driver.ts";
import type { BacnetValue } from "../../codec/values.ts";
import type { Settings } from "../../settings.ts";
import { encodedFor } from "../map.ts";
import type { BoundPoint } from "../point-board.ts";
import type { Session } from "../session.ts";
import { isLeasable, type Lease, leaseKey, whereOf } from "./lease.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";

/** What a write that leaves a lease needs. */
export interface LeasedWriteDeps {
  readonly leases: LeaseKeeper;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly instance: number;
  /** The session while the device is in touch. */
  readonly session: () => Session | undefined;
}

const rejected = (code: string, message: string): WriteResult => ({ status: "rejected", code, message });

/** Writes a point; what is written at a priority leaves a lease, and NULL ends it. One write at a time for each slot. */
export function writeLeased(
  point: BoundPoint,
  request: WriteRequest,
  signal: AbortSignal,
  deps: LeasedWriteDeps,
): Promise<WriteResult> {
  const { instance, leases } = deps;
  if (!isLeasable(point.target)) return write(point, request, signal, deps);
  const key = leaseKey({ instance, object: point.target.object, priority: request.priority });
  if (request.value === null && request.onlyOurs === true) return giveBack(key, deps);
  return leases.exclusively(key, async () => {
    // it waited for the one before it
    if (signal.aborted) {
      return { status: "timeout", code: "BACNET_CANCELLED", message: "the write was given up before it was begun" };
    }
    return request.value === null
      ? relinquish(key, point, request, signal, deps)
      : writeAndHold(key, point, request, signal, deps);
  });
}

/** From here on the keeper sees to it; a slot that holds nothing of ours stays as it is. */
async function giveBack(key: string, { leases, session }: LeasedWriteDeps): Promise<WriteResult> {
  const released = leases.release((lease) => leaseKey(lease) === key);
  // a device that is away is told when it comes back
  if (session() !== undefined) await released;
  return { status: "done", readBack: null };
}

async function write(
  point: BoundPoint,
  request: WriteRequest,
  signal: AbortSignal,
  { session, instance }: LeasedWriteDeps,
): Promise<WriteResult> {
  const end = await session()?.write(point, request, signal);
  return end?.result ?? rejected("BACNET_OFFLINE", `device ${instance} is offline`);
}

async function relinquish(
  key: string,
  point: BoundPoint,
  request: WriteRequest,
  signal: AbortSignal,
  deps: LeasedWriteDeps,
): Promise<WriteResult> {
  const result = await write(point, request, signal, deps);
  if (result.status === "done") deps.leases.drop(key);
  return result;
}

async function writeAndHold(
  key: string,
  point: BoundPoint,
  request: WriteRequest,
  signal: AbortSignal,
  deps: LeasedWriteDeps,
): Promise<WriteResult> {
  const session = deps.session();
  if (session === undefined) return rejected("BACNET_OFFLINE", `device ${deps.instance} is offline`);
  let value: BacnetValue;
  try {
    value = encodedFor(point.target, request.value, session.lastRead(point));
  } catch (error) {
    return rejected(errorCode(error), errorMessage(error));
  }
  let before: Lease | undefined;
  try {
    before = deps.leases.hold(leaseOf(point, request, value, session, deps));
  } catch (error) {
    const text = `nothing is written that could not be given back: ${errorMessage(error)}`;
    return rejected("BACNET_LEASE_NOT_KEPT", text);
  }
  const { result, taken } = await session.write(point, request, signal);
  if (taken === "no") deps.leases.restore(key, before);
  else if (taken === "yes") deps.leases.taken(key);
  return result;
}

function leaseOf(
  { point, target }: BoundPoint,
  { priority, owner, leaseMs }: WriteRequest,
  value: BacnetValue,
  session: Session,
  { instance, clock, settings }: LeasedWriteDeps,
): Lease {
  const at = clock.now();
  const lastsMs = leaseMs ?? (settings.leaseS === undefined ? undefined : settings.leaseS * 1000);
  return {
    instance,
    object: target.object,
    priority,
    value,
    point,
    at,
    where: whereOf(session.peer),
    ...(owner === undefined ? {} : { owner }),
    ...(lastsMs === undefined ? {} : { expiresAt: at + lastsMs }),
  };
}
