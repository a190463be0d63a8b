import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { CommunicationError, errorCode, errorMessage, HubError, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { FaultOptions, SignalValue } from "./device.ts";
import type { ParkField } from "./park.ts";

/** Where the control port listens. */
export interface ControlOptions {
  /** A loopback address: whoever reaches the control port rules the field. */
  readonly host: string;
  readonly port: number;
}

/** The simulators' control port. */
export interface Control {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 65_536;
const LOG_LIMIT = 1000;
const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|\[?::1\]?)$/;
const STATUS: Readonly<Record<string, number>> = {
  SIM_SCENARIO_UNKNOWN: 404,
  SIM_DEVICE_UNKNOWN: 404,
  SIM_SIGNAL_UNKNOWN: 404,
  SIM_FAULT_UNKNOWN: 404,
  SIM_NOT_FOUND: 404,
  SIM_METHOD_NOT_ALLOWED: 405,
  SIM_ORIGIN_REFUSED: 403,
  SIM_HOST_REFUSED: 403,
  SIM_BODY_TOO_LARGE: 413,
};

interface Call {
  readonly field: ParkField;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  run(call: Call): unknown;
}

const ROUTES: readonly Route[] = [
  { method: "GET", path: /^\/scenarios$/, run: ({ field }) => scenarioList(field) },
  {
    method: "POST",
    path: /^\/scenarios\/([^/]+)$/,
    run: ({ field, params, body }) => shown(field.scenario(params[0] ?? "", body)),
  },
  {
    method: "DELETE",
    path: /^\/scenarios\/([^/]+)$/,
    run: ({ field, params }) => ({ name: params[0], stopped: field.scenarios.stop(params[0] ?? "") }),
  },
  { method: "GET", path: /^\/state$/, run: ({ field }) => field.state() },
  { method: "GET", path: /^\/state\/([^/]+)$/, run: ({ field, params }) => field.deviceState(params[0] ?? "") },
  { method: "GET", path: /^\/log$/, run: ({ field, query }) => log(field, query) },
  {
    method: "GET",
    path: /^\/devices\/([^/]+)\/signals\/([^/]+)\/changes$/,
    run: ({ field, params: [device = "", signal = ""], query }) => {
      field.view(device).read(signal);
      return { items: field.recorder.changesOf(device, signal, whole(query, "since", 0)) };
    },
  },
  {
    method: "PUT",
    path: /^\/devices\/([^/]+)\/signals\/([^/]+)$/,
    run: ({ field, params: [device = "", signal = ""], body }) => setSignal(field, device, signal, body),
  },
  {
    method: "DELETE",
    path: /^\/devices\/([^/]+)\/signals\/([^/]+)\/hold$/,
    run: ({ field, params: [device = "", signal = ""] }) => {
      field.view(device).read(signal);
      field.release(device, signal);
      return signalState(field, device, signal);
    },
  },
  {
    method: "GET",
    path: /^\/devices\/([^/]+)\/faults$/,
    run: ({ field, params: [device = ""] }) => field.faults(device),
  },
  {
    method: "PUT",
    path: /^\/devices\/([^/]+)\/faults\/([^/]+)$/,
    run: ({ field, params: [device = "", kind = ""], body }) => {
      field.fault(device, kind, faultOptions(body));
      return field.faults(device);
    },
  },
  {
    method: "DELETE",
    path: /^\/devices\/([^/]+)\/faults(?:\/([^/]+))?$/,
    run: ({ field, params: [device = "", kind] }) => {
      field.clearFault(device, kind);
      return field.faults(device);
    },
  },
];

/** Opens the control port. @throws SIM_CONTROL_NOT_LOOPBACK, SIM_CONTROL_PORT_IN_USE, SIM_CONTROL_LISTEN_FAILED */
export async function openControl(field: ParkField, options: ControlOptions, logger: Logger): Promise<Control> {
  if (!LOOPBACK.test(options.host)) {
    throw new InvalidInputError(
      "SIM_CONTROL_NOT_LOOPBACK",
      `the simulators' control port must be on loopback (127.0.0.1), not on ${options.host}; PARKHUB_SIM sets it`,
    );
  }
  const server = createServer((request, response) => {
    handle(field, request, response).catch((error: unknown) => {
      logger.error({ code: errorCode(error), error: errorMessage(error) }, "control request failed");
      response.destroy();
    });
  });
  server.listen(options.port, options.host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw listenError(options, cause);
  }
  const bound = server.address();
  const port = bound !== null && typeof bound !== "string" ? bound.port : options.port;
  return { url: `http://${options.host}:${port}`, port, close: () => close(server) };
}

function listenError({ host, port }: ControlOptions, cause: unknown): HubError {
  if (errorCode(cause) === "EADDRINUSE") {
    const text = `the control port ${host}:${port} is in use; set PARKHUB_SIM to another address`;
    return new HubError("SIM_CONTROL_PORT_IN_USE", text, { cause });
  }
  const text = `cannot listen on ${host}:${port} (PARKHUB_SIM): ${errorMessage(cause)}`;
  return new CommunicationError("SIM_CONTROL_LISTEN_FAILED", text, { cause });
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

async function handle(field: ParkField, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    checkCaller(request);
    const url = new URL(request.url ?? "/", "http://localhost");
    const { route, params } = routeOf(request.method ?? "GET", url.pathname);
    const body = await bodyOf(request);
    send(response, 200, "application/json", route.run({ field, params, query: url.searchParams, body }));
  } catch (error) {
    const code = errorCode(error);
    const expected = error instanceof HubError;
    const status = expected ? (STATUS[code] ?? 400) : 500;
    const detail = errorMessage(error);
    send(response, status, "application/problem+json", { type: "about:blank", title: code, status, code, detail });
  }
}

/** A page of another origin in the operator's browser must not rule the field, neither directly nor by DNS rebinding. */
function checkCaller({ headers }: IncomingMessage): void {
  const host = headers.host ?? "";
  const name = host.replace(/:\d+$/, "");
  if (!LOOPBACK.test(name)) {
    throw new HubError("SIM_HOST_REFUSED", `the control port is reached by a loopback name, not as "${host}"`);
  }
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new HubError("SIM_ORIGIN_REFUSED", `the control port takes no requests of pages from ${origin}`);
  }
}

function routeOf(method: string, pathname: string): { readonly route: Route; readonly params: readonly string[] } {
  const allowed: string[] = [];
  for (const route of ROUTES) {
    const match = route.path.exec(pathname);
    if (match === null) continue;
    if (route.method === method)
      return {
        route,
        params: match
          .slice(1)
          .flatMap((part) => part ?? [])
          .map(decoded),
      };
    allowed.push(route.method);
  }
  if (allowed.length === 0) throw new HubError("SIM_NOT_FOUND", `there is nothing at ${pathname}`);
  throw new HubError("SIM_METHOD_NOT_ALLOWED", `${pathname} takes ${allowed.join(", ")}, not ${method}`);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new InvalidInputError("SIM_NOT_FOUND", `"${part}" is no percent-encoded text`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new HubError("SIM_BODY_TOO_LARGE", `a body of at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new InvalidInputError("SIM_BODY_INVALID", "the body must be a JSON object");
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}

const iso = (ms: number): string => new Date(ms).toISOString();

function shown(run: ReturnType<ParkField["scenario"]>): unknown {
  return { name: run.name, params: run.params, startedAt: iso(run.startedAt), endsAt: iso(run.endsAt) };
}

function scenarioList(field: ParkField): unknown {
  const running = new Map(field.scenarios.running.map((run) => [run.name, run]));
  return {
    items: [...field.scenarios.scenarios.values()].map(({ scenario, name, nameEn, parameters }) => {
      const run = running.get(scenario);
      return {
        id: scenario,
        name,
        nameEn,
        parameters: parameters ?? {},
        ...(run === undefined ? {} : { running: shown(run) }),
      };
    }),
  };
}

function log(field: ParkField, query: URLSearchParams): unknown {
  const since = whole(query, "since", 0);
  const limit = Math.min(LOG_LIMIT, whole(query, "limit", LOG_LIMIT));
  const { items, oldest } = field.recorder.after(since, limit);
  return { items, next: items.at(-1)?.seq ?? since, newest: field.recorder.seq, oldest };
}

function whole(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidInputError("SIM_PARAM_INVALID", `${name}: expected a whole number, got "${text}"`);
}

function setSignal(field: ParkField, device: string, signal: string, body: Readonly<Record<string, unknown>>): unknown {
  const { value, holdSeconds, ...others } = body;
  const unknown = Object.keys(others);
  if (unknown.length > 0) {
    throw new InvalidInputError("SIM_BODY_INVALID", `expected value and holdSeconds, got ${unknown.join(", ")}`);
  }
  if (typeof value !== "number" && typeof value !== "boolean" && typeof value !== "string") {
    throw new InvalidInputError("SIM_BODY_INVALID", "value: expected a number, true, false or a text");
  }
  if (holdSeconds === undefined) field.set(device, signal, value satisfies SignalValue);
  else if (typeof holdSeconds === "number" && holdSeconds > 0 && holdSeconds <= 86_400) {
    field.holdFor(device, signal, value, holdSeconds);
  } else throw new InvalidInputError("SIM_BODY_INVALID", "holdSeconds: expected a number above 0, at most 86400");
  return signalState(field, device, signal);
}

function faultOptions({ options, ...others }: Readonly<Record<string, unknown>>): FaultOptions | undefined {
  const unknown = Object.keys(others);
  if (unknown.length > 0)
    throw new InvalidInputError("SIM_BODY_INVALID", `expected options, got ${unknown.join(", ")}`);
  if (options === undefined) return undefined;
  const plain = (value: unknown): boolean => ["number", "string", "boolean"].includes(typeof value);
  if (options === null || typeof options !== "object" || !Object.values(options).every(plain))
    throw new InvalidInputError("SIM_BODY_INVALID", "options: expected an object of numbers, texts, true and false");
  return options as FaultOptions;
}

function signalState(field: ParkField, device: string, signal: string): unknown {
  const since = field.recorder.since(device, signal);
  const value = field.view(device).read(signal);
  return {
    device,
    signal,
    value,
    ...(since === undefined ? {} : { since }),
    held: field.view(device).held.has(signal),
  };
}
