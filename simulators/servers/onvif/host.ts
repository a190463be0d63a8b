import type { KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Clock, systemClock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { buildFault, parseEnvelope } from "#protocols/onvif/codec/envelope.ts";
import type { FaultMenu } from "../../device.ts";
import { makeKey, type TlsIdentity, tlsIdentity } from "../../self-signed.ts";
import { type Answer, insteadOf, SOAP_TYPE } from "./answers.ts";
import { type DeviceFacts, deviceService } from "./device-service.ts";
import { DiscoveryResponder } from "./discovery.ts";
import { Dispatcher } from "./dispatch.ts";
import { EventService } from "./event-service.ts";
import { type FaultOptions, type FaultScope, type OnvifFault, OnvifFaults } from "./fault-menu.ts";
import type { ForcedAnswer, OnvifServer, OnvifServerOptions } from "./options.ts";
import { Guard } from "./security.ts";
import { type AddressKind, type Operations, SERVICE_PATHS, type Service, SoapRefusal } from "./service.ts";
import type { EventSource } from "./topics.ts";

const MAX_REQUEST_BYTES = 262_144;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** What the services of a device may ask of the host that serves them. */
export interface HostContext {
  readonly faults: OnvifFaults;
  /** The device's own clock, Unix ms. */
  readonly deviceNow: () => number;
  /** Name under which a client reaches this host. */
  readonly hostName: (kind: AddressKind) => string;
}

/** A device as the host serves it. */
export interface HostedDevice {
  readonly id: string;
  readonly facts: DeviceFacts;
  readonly events: EventSource;
  readonly faultScope: Omit<FaultScope, "tls">;
  /** Relay outputs of the device service. */
  readonly relays?: Operations;
  /** Services beside the device and the event service. */
  services(context: HostContext): readonly Service[];
  /** JPEG under a path; undefined where there is none. */
  picture(path: string): Uint8Array | undefined;
}

/** One ONVIF device on HTTP or HTTPS. */
export class OnvifHost implements OnvifServer {
  readonly #device: HostedDevice;
  readonly #options: OnvifServerOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #faults: OnvifFaults;
  readonly #events: EventService;
  readonly #guard: Guard;
  readonly #dispatcher: Dispatcher;
  readonly #discovery: DiscoveryResponder | undefined;
  readonly #key: KeyObject | undefined;
  readonly #forced = new Map<string, ForcedAnswer>();
  readonly #requests = new Map<string, number>();
  #certificate: TlsIdentity | undefined;
  #clockOffsetMs: number;
  #driftSince = 0;
  #server: Server | TlsServer | undefined;
  #address = { host: "", port: 0 };
  #silent = false;
  #closed = false;

  constructor(device: HostedDevice, options: OnvifServerOptions, logger: Logger) {
    this.#device = device;
    this.#options = options;
    this.#logger = logger.child({ device: device.id });
    this.#clock = options.clock ?? systemClock;
    this.#clockOffsetMs = options.clockOffsetMs ?? 0;
    const scope = { ...device.faultScope, tls: options.tls === true };
    this.#faults = new OnvifFaults(scope, (kind, set) => this.#faultChanged(kind, set));
    const deviceNow = (): number => this.#deviceNow();
    this.#events = new EventService(device.events, { clock: this.#clock, faults: this.#faults, deviceNow });
    this.#guard = new Guard(options, this.#clock, deviceNow);
    const httpDigestOnly = (): boolean => options.httpDigestOnly === true || this.#faults.has("http-digest-only");
    const hostName = (kind: AddressKind): string => this.#hostName(kind);
    const others = [...device.services({ faults: this.#faults, deviceNow, hostName }), ...this.#events.services()];
    const relays = device.relays === undefined ? {} : { relays: device.relays };
    const main = deviceService({ facts: device.facts, deviceNow, httpDigestOnly, ...relays }, () => others);
    const lockedOut = (): boolean => this.#faults.has("not-authorized");
    this.#dispatcher = new Dispatcher([main, ...others], { guard: this.#guard, httpDigestOnly, lockedOut });
    if (options.discovery !== undefined) {
      const own = { address: (): string => this.#addressOf("services", SERVICE_PATHS.device), startedAt: deviceNow() };
      this.#discovery = new DiscoveryResponder(device.facts, options.discovery, own, this.#logger);
    }
    if (options.tls === true) {
      this.#key = makeKey();
      this.#certificate = this.#certify(false);
    }
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#address;
  }
  get url(): string {
    return `${this.#baseUrl()}${SERVICE_PATHS.device}`;
  }
  get faults(): FaultMenu {
    return this.#faults;
  }
  get subscriptions(): number {
    return this.#events.size;
  }
  get requests(): ReadonlyMap<string, number> {
    return this.#requests;
  }
  get discoveryAddress(): { readonly host: string; readonly port: number } | undefined {
    return this.#discovery === undefined ? undefined : { host: this.#address.host, port: this.#discovery.port };
  }
  get fingerprint(): string | undefined {
    return this.#certificate?.fingerprint;
  }

  async open(): Promise<void> {
    await this.#listen();
    try {
      await this.#discovery?.open(this.#address.host);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  silence(): void {
    this.#silent = true;
    this.#discovery?.silence(true);
  }

  restore(): void {
    this.#silent = false;
    this.#discovery?.silence(false);
  }

  async reboot(downMs: number): Promise<void> {
    this.#discovery?.silence(true);
    await this.#shut();
    this.#guard.forget();
    this.#events.restarted();
    await new Promise<void>((resolve) => this.#clock.after(downMs, resolve));
    // Closed meanwhile, or already up after an overlapping reboot.
    if (this.#closed || this.#server !== undefined) return;
    this.#events.restarted();
    await this.#listen();
    this.#discovery?.silence(this.#silent);
    this.#discovery?.restarted(this.#deviceNow());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#events.close();
    await this.#discovery?.close();
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

  async #listen(): Promise<void> {
    const host = this.#options.host ?? "127.0.0.1";
    const handle = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response);
    const certificate = this.#certificate;
    const server = certificate === undefined ? createServer(handle) : createTlsServer(certificate, handle);
    server.keepAliveTimeout = 30_000;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#address.port || (this.#options.port ?? 0), host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => this.#logger.warn({ error: error.message }, "device server error"));
    this.#server = server;
    this.#address = { host, port: (server.address() as AddressInfo).port };
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

  #deviceNow(): number {
    const now = this.#clock.now();
    const drift = this.#faults.of("clock-drift");
    if (drift === undefined) return now + this.#clockOffsetMs;
    const hours = (this.#clock.monotonic() - this.#driftSince) / HOUR_MS;
    const seconds = Number(drift["seconds"]) + Number(drift["secondsPerHour"]) * hours;
    return now + this.#clockOffsetMs + seconds * 1000;
  }

  #faultChanged(kind: OnvifFault, options: FaultOptions | undefined): void {
    if (kind === "clock-drift") this.#driftSince = this.#clock.monotonic();
    if (kind === "subscription-death" && options !== undefined) this.#events.dropAll();
    if (kind === "expired-certificate") {
      this.#certificate = this.#certify(options !== undefined);
      if (this.#server instanceof TlsServer && this.#certificate !== undefined) {
        this.#server.setSecureContext(this.#certificate);
        this.#server.closeAllConnections();
      }
    }
    if (kind === "reboot" && options !== undefined) {
      this.reboot(Number(options["downMs"]))
        .catch((error) => this.#logger.error({ error: errorMessage(error) }, "device did not come up again"))
        .finally(() => this.#faults.clear("reboot"));
    }
  }

  #certify(expired: boolean): TlsIdentity | undefined {
    if (this.#key === undefined) return undefined;
    const now = this.#clock.now();
    const validity = expired
      ? { notBefore: now - 400 * DAY_MS, notAfter: now - DAY_MS }
      : { notBefore: now - DAY_MS, notAfter: now + 400 * DAY_MS };
    return tlsIdentity(this.#key, { commonName: this.#device.facts.serialNumber, ...validity });
  }

  #hostName(kind: AddressKind): string {
    const foreign = this.#faults.of("foreign-address");
    return foreign !== undefined && (foreign["of"] === "all" || foreign["of"] === kind)
      ? String(foreign["host"])
      : this.#address.host;
  }

  #baseUrl(host = this.#address.host): string {
    return `${this.#options.tls === true ? "https" : "http"}://${host}:${this.#address.port}`;
  }

  #addressOf(kind: AddressKind, path: string): string {
    return this.#baseUrl(this.#hostName(kind)) + path;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => response.destroy());
    try {
      const body = await readBody(request);
      if (body === undefined) {
        await this.#send(response, "", { status: 413, type: "text/plain", body: "request too large" });
      } else if (request.method === "GET") {
        await this.#get(request, response);
      } else {
        await this.#soap(request, response, body);
      }
    } catch (error) {
      this.#logger.debug({ error: errorMessage(error) }, "device request failed");
      const fault = buildFault("Sender", ["WellFormed"], errorMessage(error));
      await this.#send(response, "", { status: 400, type: SOAP_TYPE, body: fault }).catch(() => response.destroy());
    }
  }

  async #get(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const operation = path.endsWith("/leak") ? "leak" : "snapshot";
    this.#count(operation);
    if (await this.#instead(operation, response)) return;
    const picture = this.#device.picture(path);
    if (picture === undefined) {
      await this.#send(response, operation, { status: 404, type: "text/plain", body: "not found" });
    } else if (
      this.#faults.has("not-authorized") ||
      !this.#guard.acceptsDigest(request.headers.authorization ?? "", "GET", path)
    ) {
      const headers = { "WWW-Authenticate": this.#guard.challenges() };
      await this.#send(response, operation, { status: 401, type: "text/plain", body: "unauthorized", headers });
    } else {
      await this.#send(response, operation, { status: 200, type: "image/jpeg", body: picture });
    }
  }

  async #soap(request: IncomingMessage, response: ServerResponse, xml: string): Promise<void> {
    const message = parseEnvelope(xml);
    if (message.kind === "fault") throw new SoapRefusal("Sender", ["WellFormed"], "a fault is no request");
    const operation = message.body.name;
    this.#count(operation);
    if (await this.#instead(operation, response)) return;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const answer = await this.#dispatcher.answer({
      body: message.body,
      headers: message.headers,
      path: (request.url ?? "").split("?")[0] ?? "",
      method: request.method ?? "",
      url: request.url ?? "",
      authorization: request.headers.authorization ?? "",
      addressOf: (kind, path) => this.#addressOf(kind, path),
      signal: gone.signal,
    });
    await this.#send(response, operation, answer);
  }

  /** Gives what a test or a fault has put in the place of the answer; false where nothing has. */
  async #instead(operation: string, response: ServerResponse): Promise<boolean> {
    const forced = this.#forced.get(operation);
    const instead =
      forced === undefined
        ? insteadOf(this.#faults, operation, this.#baseUrl())
        : { status: forced.status, type: forced.contentType, body: forced.body };
    if (instead === undefined) return false;
    // A reset goes with TCP alone; below TLS the connection just ends.
    if (instead === "reset" && this.#options.tls === true) response.destroy();
    else if (instead === "reset") response.socket?.resetAndDestroy();
    else if (instead !== "silence") await this.#send(response, operation, instead);
    return true;
  }

  #count(operation: string): void {
    // What a stranger asks for must not fill the memory.
    if (this.#requests.size > 500 && !this.#requests.has(operation)) return;
    this.#requests.set(operation, (this.#requests.get(operation) ?? 0) + 1);
  }

  /** While the cable is cut nothing leaves: the request hangs, as it does in the field. */
  async #send(response: ServerResponse, operation: string, answer: Answer): Promise<void> {
    const late = this.#faults.of("late", operation);
    if (late !== undefined) await new Promise<void>((resolve) => this.#clock.after(Number(late["ms"]), resolve));
    if (this.#silent || response.destroyed || response.headersSent) return;
    const { body } = answer;
    const whole = typeof body === "string" || body instanceof Uint8Array;
    // Written as most devices write them: some clients compare the case.
    response.writeHead(answer.status, {
      "Content-Type": answer.type,
      ...(whole ? { "Content-Length": Buffer.byteLength(body) } : {}),
      ...answer.headers,
    });
    const slow = this.#faults.of("slow-bytes", operation);
    if (!whole) await pipeline(Readable.from(body), response);
    else if (slow === undefined) response.end(body);
    else this.#trickle(response, Buffer.from(body), Number(slow["bytesPerSecond"]));
  }

  #trickle(response: ServerResponse, body: Buffer, bytesPerSecond: number): void {
    let sent = 0;
    const stop = this.#clock.every(1000 / bytesPerSecond, () => {
      response.write(body.subarray(sent, sent + 1));
      sent++;
      if (sent < body.length) return;
      stop();
      response.end();
    });
    response.once("close", stop);
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
