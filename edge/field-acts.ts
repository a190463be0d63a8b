import type { FieldAct } from "#core/alarm/field.ts";
import type { Clock } from "#core/clock.ts";
import type { DeviceId } from "#core/ids.ts";
import type { Supervisor } from "./supervisor.ts";

const TIMEOUT_MS = 10_000;
const MINUTE_MS = 60_000;

/** Tells a device what an operator did to an alarm that it keeps itself. Never throws; how the device refused, undefined when it took it. */
export async function tellField(
  supervisor: Pick<Supervisor, "act">,
  clock: Clock,
  { device, condition, action, by, comment, until }: FieldAct,
): Promise<string | undefined> {
  const minutes = until === undefined ? {} : { minutes: Math.max(1, Math.ceil((until - clock.now()) / MINUTE_MS)) };
  const who = by === undefined ? {} : { by };
  const params = { condition, ...who, ...(comment === undefined ? {} : { comment }), ...minutes };
  const result = await supervisor.act({ device: device as DeviceId, action, params }, TIMEOUT_MS);
  return result.status === "done" ? undefined : `${result.code}: ${result.message}`;
}
