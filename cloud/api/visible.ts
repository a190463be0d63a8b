import { HubError } from "#core/errors.ts";
import { type DeviceId, type GatewayId, gatewayOf } from "#core/ids.ts";
import type { Actor, Visible } from "../ports.ts";
import type { ApiDeps } from "./deps.ts";

/** Which gateways an actor sees: a gateway stands in no one space, so whoever sees a device on it sees it. */
export function gatewaySeen(deps: ApiDeps, actor: Actor): (id: string) => boolean {
  const visible = deps.authority.spaces(actor, "gateway.read");
  if (visible === "all") return () => true;
  const devices = deps.catalog.devices().filter(({ space }) => visible.has(space));
  const seen = new Set<string>(devices.map(({ id }) => gatewayOf(id as DeviceId)));
  return (id) => seen.has(id);
}

/** Is the space one of these? What lies in no space is seen only by those who see the whole site. */
export function isVisible(visible: Visible, space: string | undefined): boolean {
  return visible === "all" || (space !== undefined && visible.has(space));
}

/** The id of a gateway with its site, which callers may leave out. */
export function wholeGatewayId(deps: ApiDeps, id: string): GatewayId {
  return (id.includes("/") ? id : `${deps.catalog.site}/${id}`) as GatewayId;
}

/** The whole id of a gateway that the actor sees. @throws NOT_FOUND */
export function seenGateway(deps: ApiDeps, id: string, actor: Actor): GatewayId {
  const whole = wholeGatewayId(deps, id);
  if (deps.gateways.get(whole) !== undefined && gatewaySeen(deps, actor)(whole)) return whole;
  throw new HubError("NOT_FOUND", `gateway ${id}: no such gateway`);
}
