import { CommandRequest, CommandView } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import { forbidden, mayAt, requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { IdParams } from "./parts.ts";

/** Writing points and device actions. Whoever may see points may ask how a command ended. */
export function commandRoutes(deps: ApiDeps): readonly ApiRoute[] {
  /** Where a command acts. Unknown things are told by the service. */
  const spaceOf = (target: { point?: string; device?: string }): string | undefined =>
    (target.point === undefined ? deps.catalog.device(target.device ?? "") : deps.catalog.point(target.point))?.space;
  return [
    route({
      method: "POST",
      url: "/commands",
      access: { kind: "session" },
      summary: "Write a point, or ask a device for an action",
      tag: "commands",
      body: CommandRequest,
      answer: CommandView,
      handle({ body, actor, reply }) {
        const permission = "point" in body ? "command.write" : "command.action";
        const { authority } = deps;
        if (!authority.may(actor, permission)) throw forbidden(actor, permission);
        const space = spaceOf(body);
        if (space !== undefined) {
          // What the actor does not see is not there; what he sees he is told he may not touch.
          if (!authority.may(actor, "point.read", space))
            throw "point" in body
              ? new HubError("POINT_UNKNOWN", `point ${body.point}: no such point`)
              : new HubError("DEVICE_UNKNOWN", `device ${body.device}: no such device`);
          requireAt(deps, actor, permission, space);
        }
        return reply.code(202).send(deps.commands.request(body, actor));
      },
    }),
    route({
      method: "GET",
      url: "/commands/:id",
      access: allow("point.read"),
      summary: "How a command stands",
      tag: "commands",
      params: IdParams,
      answer: CommandView,
      handle({ params, actor }) {
        const command = deps.commands.get(params.id);
        if (command && mayAt(deps, actor, "point.read", spaceOf(command))) return command;
        throw new HubError("NOT_FOUND", `command ${params.id}: no such command`);
      },
    }),
  ];
}
