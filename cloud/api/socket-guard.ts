import type { FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { CLOSE_SESSION_ENDED } from "#core/contracts/live.ts";
import { type Caller, callerOf } from "./access.ts";
import type { ApiDeps } from "./deps.ts";

const PING_MS = 10_000;

/** Pings a socket and drops it when the peer is dead. `still` is asked each time before; false when the socket was closed. */
export function keepAlive(
  socket: WebSocket,
  deps: Pick<ApiDeps, "clock">,
  still: () => boolean = () => true,
): () => void {
  let answered = true;
  socket.on("pong", () => {
    answered = true;
  });
  return deps.clock.every(PING_MS, () => {
    if (!answered) {
      socket.terminate();
      return;
    }
    if (!still()) return;
    answered = false;
    socket.ping();
  });
}

/**
 * A caller's socket lives as long as his session: it is closed when the session or token ends, or gives something else, and
 * dropped when the peer is dead. Returns how to stop.
 */
export function guardSocket(socket: WebSocket, request: FastifyRequest, caller: Caller, deps: ApiDeps): () => void {
  const { session, actor } = caller;
  const grants = JSON.stringify(actor.grants);
  const still = (): boolean => {
    let now: Caller["actor"]["grants"] | undefined;
    try {
      now = session ? deps.access.sessionByKey(session.key)?.grants : callerOf(request, deps)?.actor.grants;
    } catch (error) {
      // Asked again with the next ping: records that are away say nothing about a session.
      deps.logger.warn({ user: actor.name, err: error }, "a session cannot be looked up");
      return true;
    }
    if (now !== undefined && JSON.stringify(now) === grants) return true;
    socket.close(CLOSE_SESSION_ENDED, "session ended");
    return false;
  };
  const stops = [keepAlive(socket, deps, still)];
  if (session)
    stops.push(
      deps.access.onSessionEnd((key) => {
        if (key === session.key) socket.close(CLOSE_SESSION_ENDED, "session ended");
      }),
    );
  socket.on("error", (error) => deps.logger.debug({ err: error }, "socket failed"));
  return () => {
    for (const stop of stops) stop();
  };
}
