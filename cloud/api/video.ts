import type { FastifyInstance, FastifyRequest } from "fastify";
import type { RawData, WebSocket } from "ws";
import { CLOSE_SESSION_ENDED } from "#core/contracts/live.ts";
import type { GatewayId } from "#core/ids.ts";
import type { VideoQuality, VideoSocket } from "../media-ports.ts";
import { authorize, type Caller, gatewayPart, mayAt, requireOwnOrigin } from "./access.ts";
import type { ApiDeps } from "./deps.ts";
import { guardSocket, keepAlive } from "./socket-guard.ts";

const CLOSE_PROTOCOL = 1008;
/** Close code: the caller may not watch this camera. */
const CLOSE_FORBIDDEN = 4403;
/** Close code: there is no such camera. */
const CLOSE_NOT_FOUND = 4404;

/** A socket as the relay sees it. What is sent to one that is closing goes nowhere. */
function relaySocket(socket: WebSocket): VideoSocket {
  const send = (message: Uint8Array | string, binary: boolean): void => {
    if (socket.readyState === socket.OPEN) socket.send(message, { binary });
  };
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    sendText: (text) => send(text, false),
    sendBinary: (message) => send(message, true),
    close: (code, reason) => socket.close(code, reason),
  };
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function qualityOf(request: FastifyRequest): VideoQuality | undefined {
  const { quality = "main" } = request.query as { quality?: unknown };
  return quality === "main" || quality === "sub" ? quality : undefined;
}

/** A page watches a camera: it only listens. */
function watch(socket: WebSocket, request: FastifyRequest, caller: Caller, deps: ApiDeps): void {
  const { id } = request.params as { id: string };
  const { actor } = caller;
  const stop = guardSocket(socket, request, caller, deps);
  socket.on("close", stop);
  const camera = deps.catalog.device(id);
  const quality = qualityOf(request);
  if (camera === undefined || !camera.kind.startsWith("camera") || !mayAt(deps, actor, "point.read", camera.space))
    socket.close(CLOSE_NOT_FOUND, "no such camera");
  else if (!mayAt(deps, actor, "video.view", camera.space)) socket.close(CLOSE_FORBIDDEN, "not allowed");
  else if (quality === undefined) socket.close(CLOSE_PROTOCOL, "quality: expected main or sub");
  else {
    const leave = deps.video.watch(camera.id, quality, relaySocket(socket));
    socket.on("close", leave);
    socket.on("message", () => socket.close(CLOSE_PROTOCOL, "nothing is expected here"));
  }
}

/** A gateway brings the video that is asked of it. */
function carry(socket: WebSocket, gateway: GatewayId, deps: ApiDeps): void {
  const stop = keepAlive(socket, deps);
  const line = deps.video.connect(gateway, relaySocket(socket));
  socket.on("message", (data, isBinary) => {
    const bytes = bytesOf(data);
    if (isBinary) line.binary(bytes);
    else line.text(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  });
  socket.on("error", (error) => deps.logger.debug({ gateway, err: error }, "video line failed"));
  socket.on("close", () => {
    stop();
    line.closed();
  });
}

/** `WS /cameras/:id/live?quality=main|sub` for pages, `WS /gateways/:id/video` for gateways. @see core/contracts/video.ts */
export function serveVideo(app: FastifyInstance, api: string, deps: ApiDeps): void {
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.get(
    `${api}/cameras/:id/live`,
    {
      websocket: true,
      schema: { hide: true },
      onRequest: async (request, reply) => {
        requireOwnOrigin(request, deps.https);
        callers.set(request, await authorize({ kind: "session" }, request, reply, deps));
      },
    },
    (socket, request) => {
      const caller = callers.get(request);
      if (caller) watch(socket, request, caller, deps);
      else socket.close(CLOSE_SESSION_ENDED, "sign in first");
    },
  );
  app.get(
    `${api}/gateways/:id/video`,
    {
      websocket: true,
      schema: { hide: true },
      onRequest: async (request, reply) => {
        callers.set(request, await authorize({ kind: "gateway" }, request, reply, deps));
      },
    },
    (socket, request) => {
      const { id } = request.params as { id: string };
      const gateway = `${deps.catalog.site}/${gatewayPart(deps, id)}` as GatewayId;
      if (callers.has(request)) carry(socket, gateway, deps);
      else socket.close(CLOSE_SESSION_ENDED, "a gateway's credential is needed");
    },
  );
}
