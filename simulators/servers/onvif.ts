import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { buildEnvelope, buildFault, parseEnvelope } from "#protocols/onvif/codec/envelope.ts";
import { findUsernameToken } from "#protocols/onvif/codec/username-token.ts";
import type { FieldServer } from "../device.ts";
import type { SimulatedCamera } from "../devices/camera.ts";
import { deviceService } from "./onvif/device-service.ts";
import { EventService } from "./onvif/event-service.ts";
import { mediaService } from "./onvif/media-service.ts";
import { ptzService } from "./onvif/ptz-service.ts";
import { type Credentials, Guard } from "./onvif/security.ts";
import { type Operations, PROFILES, SERVICE_PATHS, SoapRefusal } from "./onvif/service.ts";

const SOAP_TYPE = "application/soap+xml; charset=utf-8";
const MAX_REQUEST_BYTES = 262_144;

/** How a camera is put on the wire. */
export interface CameraServerOptions extends Credentials {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** Told by GetDeviceInformation; `SIM-<id>` when absent. */
  readonly serialNumber?: string;
  /** Port of the RTSP server that GetStreamUri names; 554 when absent. */
  readonly rtspPort?: number;
  /** The camera's clock runs ahead of ours by so much, ms; 0 when absent. */
  readonly clockOffsetMs?: number;
  /** Accepts HTTP digest only and no UsernameToken, like a camera of Profile T. */
  readonly httpDigestOnly?: boolean;
  readonly clock?: Clock;
}

/** An HTTP answer given instead of the proper one. */
export interface ForcedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** A camera on the wire, and what can be done to it. */
export interface CameraServer extends FieldServer {
  /** `http://host:port/onvif/device_service` */
  readonly url: string;
  /** Event subscriptions alive. */
  readonly subscriptions: number;
  /** Requests answered or swallowed since the start, by operation. */
  readonly requests: ReadonlyMap<string, number>;
  /** Forgets every subscription without telling. */
  dropSubscriptions(): void;
  /** Sets how far the camera's clock runs ahead of ours, ms. */
  setClockOffset(offsetMs: number): void;
  /** From now on answers the operation like this; with undefined properly again. */
  force(operation: string, answer: ForcedAnswer | undefined): void;
}

class CameraHttpServer implements CameraServer {
  readonly #camera: SimulatedCamera;
  readonly #options: CameraServerOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #events: EventService;
  readonly #guard: Guard;
  readonly #operations: Operations;
  readonly #forced = new Map<string, ForcedAnswer>();
  readonly #requests = new Map<string, number>();
  #clockOffsetMs: number;
  #server: Server | undefined;
  #address = { host: "", port: 0 };
  #silent = false;
  #closed = false;

  constructor(camera: SimulatedCamera, options: CameraServerOptions, logger: Logger) {
    this.#camera = camera;
    this.#options = options;
    this.#logger = logger.child({ camera: camera.id });
    this.#clock = options.clock ?? systemClock;
    this.#clockOffsetMs = options.clockOffsetMs ?? 0;
    const deviceNow = (): number => this.#clock.now() + this.#clockOffsetMs;
    this.#events = new EventService(camera, this.#clock, deviceNow);
    this.#guard = new Guard(options, this.#clock, deviceNow);
    this.#operations = {
      ...deviceService(camera, options.serialNumber ?? `SIM-${camera.id}`, deviceNow),
      ...mediaService(
        camera,
        (profile) => `rtsp://${this.#address.host}:${options.rtspPort ?? 554}/${camera.id}/${profile}`,
      ),
      ...ptzService(camera, deviceNow),
      ...this.#events.operations(),
    };
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#address;
  }
  get url(): string {
    return `${this.#baseUrl()}${SERVICE_PATHS.device}`;
  }
  get subscriptions(): number {
    return this.#events.size;
  }
  get requests(): ReadonlyMap<string, number> {
    return this.#requests;
  }

  async open(): Promise<void> {
    const host = this.#options.host ?? "127.0.0.1";
    const server = createServer((request, response) => void this.#handle(request, response));
    server.keepAliveTimeout = 30_000;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#address.port || (this.#options.port ?? 0), host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => this.#logger.warn({ error: error.message }, "camera server error"));
    this.#server = server;
    this.#address = { host, port: (server.address() as AddressInfo).port };
  }

  silence(): void {
    this.#silent = true;
  }

  restore(): void {
    this.#silent = false;
  }

  async reboot(downMs: number): Promise<void> {
    await this.#shut();
    this.#guard.forget();
    this.#events.restarted();
    await new Promise<void>((resolve) => this.#clock.after(downMs, resolve));
    // Closed meanwhile, or already up after an overlapping reboot.
    if (this.#closed || this.#server !== undefined) return;
    this.#events.restarted();
    await this.open();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#events.close();
    await this.#shut();
  }

  dropSubscriptions(): void {
    this.#events.dropAll();
  }

  setClockOffset(offsetMs: number): void {
    this.#clockOffsetMs = offsetMs;
  }

  force(operation: string, answer: ForcedAnswer | undefined): void {
    if (answer === undefined) this.#forced.delete(operation);
    else this.#forced.set(operation, answer);
  }

  async #shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  #baseUrl(): string {
    return `http://${this.#address.host}:${this.#address.port}`;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => response.destroy());
    try {
      const body = await readBody(request);
      if (body === undefined) {
        this.#send(response, 413, "text/plain", "request too large");
      } else if (request.method === "GET") {
        this.#snapshot(request, response);
      } else {
        await this.#soap(request, response, body);
      }
    } catch (error) {
      this.#logger.debug({ error: errorMessage(error) }, "camera request failed");
      this.#send(response, 400, SOAP_TYPE, buildFault("Sender", ["WellFormed"], errorMessage(error)));
    }
  }

  #snapshot(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    this.#count("snapshot");
    const forced = this.#forced.get("snapshot");
    if (forced !== undefined) {
      this.#send(response, forced.status, forced.contentType, forced.body);
    } else if (!PROFILES.some((profile) => path === `${SERVICE_PATHS.snapshot}/${profile.token}.jpg`)) {
      this.#send(response, 404, "text/plain", "not found");
    } else if (!this.#guard.acceptsDigest(request.headers.authorization ?? "", "GET", path)) {
      this.#send(response, 401, "text/plain", "unauthorized", this.#guard.challenges());
    } else {
      this.#send(response, 200, "image/jpeg", this.#camera.picture());
    }
  }

  async #soap(request: IncomingMessage, response: ServerResponse, xml: string): Promise<void> {
    const message = parseEnvelope(xml);
    if (message.kind === "fault") throw new SoapRefusal("Sender", ["WellFormed"], "a fault is no request");
    const path = (request.url ?? "").split("?")[0] ?? "";
    const operation = message.body.name;
    this.#count(operation);
    const forced = this.#forced.get(operation);
    if (forced !== undefined) return this.#send(response, forced.status, forced.contentType, forced.body);
    const token = this.#options.httpDigestOnly === true ? undefined : findUsernameToken(message.headers);
    const header = request.headers.authorization ?? "";
    const digest = this.#guard.acceptsDigest(header, request.method ?? "", request.url ?? "");
    // [ONVIF Core 8.3.5] the clock is told to everybody, because a token cannot be made without it
    const open = operation === "GetSystemDateAndTime";
    if (!open && !digest && token === undefined) {
      const fault = buildFault("Sender", ["NotAuthorized"], "the action requires authorization");
      return this.#send(response, 401, SOAP_TYPE, fault, this.#guard.challenges());
    }
    if (!open && !digest && token !== undefined && !this.#guard.acceptsToken(token)) {
      // [ONVIF Core 5.9.1] a refused token is answered with 400 and the fault, not with 401
      return this.#send(response, 400, SOAP_TYPE, buildFault("Sender", ["NotAuthorized"], "sender not authorized"));
    }
    const perform = Object.hasOwn(this.#operations, operation) ? this.#operations[operation] : undefined;
    if (perform === undefined) {
      const fault = buildFault("Receiver", ["ActionNotSupported"], `${operation} is not supported`);
      return this.#send(response, 500, SOAP_TYPE, fault);
    }
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const content = await perform({ body: message.body, path, baseUrl: this.#baseUrl(), signal: gone.signal });
      this.#send(response, 200, SOAP_TYPE, buildEnvelope(content));
    } catch (error) {
      if (!(error instanceof SoapRefusal)) throw error;
      const status = error.code === "Sender" ? 400 : 500;
      this.#send(response, status, SOAP_TYPE, buildFault(error.code, error.subcodes, error.message));
    }
  }

  #count(operation: string): void {
    this.#requests.set(operation, (this.#requests.get(operation) ?? 0) + 1);
  }

  /** While the cable is cut nothing leaves: the request hangs, as it does in the field. */
  #send(
    response: ServerResponse,
    status: number,
    type: string,
    body: string | Uint8Array,
    challenges?: string[],
  ): void {
    if (this.#silent || response.destroyed || response.headersSent) return;
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      ...(challenges === undefined ? {} : { "www-authenticate": challenges }),
    });
    response.end(body);
  }
}

/** Body as text; undefined where it is larger than any ONVIF request. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_REQUEST_BYTES) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Puts a camera on the wire: ONVIF device, media, PTZ and event service, and snapshots by HTTP. */
export async function serveCamera(
  camera: SimulatedCamera,
  options: CameraServerOptions,
  logger: Logger,
): Promise<CameraServer> {
  const server = new CameraHttpServer(camera, options, logger);
  await server.open();
  return server;
}
