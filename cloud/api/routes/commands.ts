import { CommandRequest, CommandView } from "#core/contracts/commands.ts";
import { HubError } from "#core/errors.ts";
import type { Actor } from "../../ports.ts";
import { forbidden, mayAt, requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { IdParams } from "./parts.ts";

/** What a command needs, and where; `space` undefined: for the whole site. */
interface Need {
  readonly permission: string;
  readonly space: string | undefined;
}

/** Searching a network and trusting whom it holds, whatever it is asked of. */
const OF_NETWORK: ReadonlySet<string> = new Set(["discover", "trustCertificate", "rejectCertificate"]);
/** What only looks at what a device holds. */
const READS: ReadonlySet<string> = new Set(["priorityArray", "writeLeases", "readSchedule", "readCalendar"]);
/** What a device is not itself for a while after, or tells the time by: for those who look after the field. */
const OF_MAINTENANCE: ReadonlySet<string> = new Set(["deviceCommunicationControl", "reinitializeDevice", "timeSync"]);
/** Turning a camera and keeping what it sees; any other action changes something in the field as a write does. */
const OF_CAMERA = /^(ptz[A-Z]\w*|snapshot|recordClip)$/;

function permissionOf(action: string): string {
  if (READS.has(action)) return "point.read";
  if (OF_MAINTENANCE.has(action)) return "gateway.manage";
  return OF_CAMERA.test(action) ? "command.action" : "command.write";
}

/** What a command to something known needs; undefined for what the site does not have. */
function needOf({ catalog }: ApiDeps, request: CommandRequest): Need | undefined {
  if ("point" in request) {
    const point = catalog.point(request.point);
    return point && { permission: "command.write", space: point.space };
  }
  const device = catalog.device(request.device);
  const ofNetwork = OF_NETWORK.has(request.action) || catalog.channel(request.device) !== undefined;
  if (ofNetwork) return { permission: "gateway.manage", space: undefined };
  if (device === undefined) return undefined;
  if (request.action !== "doorControl") return { permission: permissionOf(request.action), space: device.space };
  const token = request.params?.["door"];
  const door = catalog.doors().find((one) => one.device === device.id && one.token === token);
  return { permission: "door.control", space: (door ?? device).space };
}

/** Writing points and device actions. Whoever may see points may ask how a command ended. */
export function commandRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { authority, catalog } = deps;
  const spaceOf = (target: { point?: string; device?: string }): string | undefined =>
    (target.point === undefined ? catalog.device(target.device ?? "") : catalog.point(target.point))?.space;
  /** What the actor does not see is not there; what he sees he is told he may not touch. Unknown things are told by the service. */
  const requireFor = (request: CommandRequest, actor: Actor): void => {
    const need = needOf(deps, request);
    const permission = need?.permission ?? ("point" in request ? "command.write" : "command.action");
    if (!authority.may(actor, permission)) throw forbidden(actor, permission);
    const space = spaceOf(request);
    if (space !== undefined && !authority.may(actor, "point.read", space))
      throw "point" in request
        ? new HubError("POINT_UNKNOWN", `point ${request.point}: no such point`)
        : new HubError("DEVICE_UNKNOWN", `device ${request.device}: no such device`);
    if (need !== undefined) requireAt(deps, actor, permission, need.space);
  };
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
        requireFor(body, actor);
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
