import { CommandView } from "#core/contracts/commands.ts";
import { DoorRequest, DoorView } from "#core/contracts/doors.ts";
import { Page } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import type { Actor } from "../../ports.ts";
import { mayAt, requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { BoundedListQuery, boundedPage, IdParams } from "./parts.ts";

/** A door must never open long after somebody asked for it, ms. */
const EXPIRES_MS = 10_000;

/** Doors: how they stand, and opening and locking them. */
export function doorRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const seen = (id: string, actor: Actor): DoorView => {
    const door = deps.doors.get(id);
    if (door && mayAt(deps, actor, "point.read", door.space)) return door;
    throw new HubError("DOOR_UNKNOWN", `door ${id}: no such door`);
  };
  return [
    route({
      method: "GET",
      url: "/doors",
      access: allow("point.read"),
      summary: "Doors and how they stand, by id",
      tag: "doors",
      query: BoundedListQuery,
      answer: Page(DoorView),
      handle: ({ actor, query }) =>
        boundedPage(deps.doors.list(deps.authority.spaces(actor, "point.read")), ({ id }) => id, query),
    }),
    route({
      method: "GET",
      url: "/doors/:id",
      access: allow("point.read"),
      summary: "One door",
      tag: "doors",
      params: IdParams,
      answer: DoorView,
      handle: ({ params, actor }) => seen(params.id, actor),
    }),
    route({
      method: "POST",
      url: "/doors/:id/operate",
      access: allow("door.control"),
      summary: "Let somebody through, lock, unlock or block a door",
      tag: "doors",
      params: IdParams,
      body: DoorRequest,
      answer: CommandView,
      handle({ params, body, actor, reply }) {
        const { id, space } = seen(params.id, actor);
        requireAt(deps, actor, "door.control", space);
        const door = deps.doors.door(id);
        if (door === undefined) throw new HubError("DOOR_UNKNOWN", `door ${id}: no such door`);
        const { operation, reason, idempotencyKey } = body;
        const command = deps.commands.request(
          {
            device: door.device,
            action: "doorControl",
            params: { door: door.token, operation },
            expiresInMs: EXPIRES_MS,
            ...(reason === undefined ? {} : { reason }),
            ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
          },
          actor,
        );
        return reply.code(202).send(command);
      },
    }),
  ];
}
