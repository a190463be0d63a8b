import { type Static, Type } from "typebox";
import { CommandView } from "#core/contracts/commands.ts";
import { Page } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import type { Actor } from "../../ports.ts";
import { requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { BoundedListQuery, boundedPage, closed, IdParams } from "./parts.ts";

const Preset = Type.Object({
  preset: Type.String({ description: "Token." }),
  name: Type.String(),
  nameEn: Type.String(),
});
const Presets = Type.Object({ items: Type.Array(Preset) });
const Camera = Type.Object({
  id: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  space: Type.String(),
  ptz: Type.Boolean({ description: "Can it be turned?" }),
  video: Type.Boolean({ description: "Can it be watched live?" }),
  presets: Type.Array(Preset, { description: "Presets that the site knows, with what they show." }),
  zones: Type.Array(Type.Object({ zone: Type.String(), preset: Type.Optional(Type.String()) })),
});
type Camera = Static<typeof Camera>;

/** Speed from -1 to 1, as a share of the fastest. [ONVIF PTZ §5.3.3, generic speed space] */
const speed = Type.Optional(
  Type.Number({ minimum: -1, maximum: 1, description: "Share of the greatest speed; 0 when absent." }),
);
const Ptz = Type.Union([
  Type.Object({ preset: Type.String({ minLength: 1, maxLength: 64 }) }, closed),
  Type.Object(
    {
      pan: speed,
      tilt: speed,
      zoom: speed,
      seconds: Type.Number({ exclusiveMinimum: 0, maximum: 10, description: "It stops by itself after so long." }),
    },
    closed,
  ),
  Type.Object({ stop: Type.Literal(true) }, closed),
  Type.Object({ home: Type.Literal(true) }, closed),
]);

/** A movement is wanted now or not at all, ms. */
const MOVE_EXPIRES_MS = 5000;

function actionOf(body: Static<typeof Ptz>): { action: string; params?: Record<string, string | number> } {
  if ("preset" in body) return { action: "ptzPreset", params: { preset: body.preset } };
  if ("stop" in body) return { action: "ptzStop" };
  if ("home" in body) return { action: "ptzHome" };
  const { pan = 0, tilt = 0, zoom = 0, seconds } = body;
  return { action: "ptzMove", params: { pan, tilt, zoom, seconds } };
}

/** Cameras: what they look at, pictures on demand, and turning them. */
export function cameraRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { catalog, authority } = deps;
  const presetsOf = (camera: string): Camera["presets"] => {
    const shown = [...catalog.zones(), ...catalog.doors()].flatMap(({ camera: by, preset, name, nameEn }) =>
      by === camera && preset !== undefined ? [{ preset, name, nameEn }] : [],
    );
    return [...Map.groupBy(shown, ({ preset }) => preset)].flatMap(([, [first]]) => first ?? []);
  };
  const zonesOf = (camera: string): Camera["zones"] =>
    catalog
      .zones()
      .flatMap(({ id, camera: by, preset }) =>
        by === camera ? [{ zone: id, ...(preset === undefined ? {} : { preset }) }] : [],
      );
  const cameras = (actor: Actor): readonly Camera[] => {
    const visible = authority.spaces(actor, "point.read");
    return catalog
      .devices()
      .filter(({ kind, space }) => kind.startsWith("camera") && (visible === "all" || visible.has(space)))
      .map(({ id, name, nameEn, space }) => ({
        id,
        name,
        nameEn,
        space,
        // A camera that can be turned tells where it looks.
        ptz: catalog.point(`${id}/pan`) !== undefined,
        video: true,
        presets: presetsOf(id),
        zones: zonesOf(id),
      }));
  };
  const camera = (id: string, actor: Actor, permission: string): Camera => {
    const found = cameras(actor).find((one) => one.id === id);
    if (found === undefined) throw new HubError("DEVICE_UNKNOWN", `camera ${id}: no such camera`);
    requireAt(deps, actor, permission, found.space);
    return found;
  };
  return [
    route({
      method: "GET",
      url: "/cameras",
      access: allow("point.read"),
      summary: "Cameras, their presets and the zones they look at",
      tag: "site",
      query: BoundedListQuery,
      answer: Page(Camera),
      handle: ({ actor, query }) => boundedPage(cameras(actor), ({ id }) => id, query),
    }),
    route({
      method: "GET",
      url: "/cameras/:id/presets",
      access: allow("video.view"),
      summary: "Presets of the camera: those that the site names, then those that it holds besides",
      tag: "site",
      params: IdParams,
      answer: Presets,
      async handle({ params, actor }) {
        const { id, ptz, presets } = camera(params.id, actor, "video.view");
        if (!ptz) return { items: presets };
        const named = presets.map(({ preset }) => preset);
        const own = await deps.cameraPresets.beside(id, named, actor);
        return { items: [...presets, ...own.map(({ preset, name }) => ({ preset, name, nameEn: name }))] };
      },
    }),
    route({
      method: "GET",
      url: "/cameras/:id/snapshot",
      access: allow("video.view"),
      summary: "A picture of the camera, at most a second old",
      tag: "site",
      params: IdParams,
      async handle({ params, actor, reply }) {
        const { id } = camera(params.id, actor, "video.view");
        const sha256 = await deps.cameraSnapshots.take(id, actor);
        const [found, bytes] = [deps.blobs.find(sha256), await deps.blobs.read(sha256)];
        if (found?.state !== "here" || bytes === undefined)
          throw new HubError("SNAPSHOT_FAILED", `the picture of ${id} is gone`);
        return reply.type(found.contentType).header("content-length", found.bytes).send(bytes);
      },
    }),
    route({
      method: "POST",
      url: "/cameras/:id/ptz",
      access: allow("command.action"),
      summary: "Turn a camera: to a preset, home, for some seconds, or stop it",
      tag: "site",
      params: IdParams,
      body: Ptz,
      answer: CommandView,
      handle({ params, body, actor, reply }) {
        const { id } = camera(params.id, actor, "command.action");
        const request = { device: id, ...actionOf(body), expiresInMs: MOVE_EXPIRES_MS };
        return reply.code(202).send(deps.commands.request(request, actor));
      },
    }),
  ];
}
