import type { Clock } from "#core/clock.ts";
import { errorMessage, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { malformed } from "../codec/bytes.ts";
import { type Bvlc, decodeBvlc, type Endpoint, encodeBvlc } from "../codec/link.ts";
import type { Anomalies } from "./anomalies.ts";
import { Bbmd, type BbmdOptions, refusalOf } from "./bbmd.ts";
import type { StationCounting } from "./counters.ts";
import type { DatagramPort, Interface, OpenPort } from "./datagrams.ts";
import { ForeignDevice, type ForeignDeviceOptions } from "./foreign-device.ts";

/** How a station is attached. */
export interface LinkOptions {
  readonly interfaces: readonly Interface[];
  readonly foreignDevice?: ForeignDeviceOptions;
  /** Passes broadcasts on for other IP networks; the first interface must name its own address. */
  readonly bbmd?: BbmdOptions;
}

/** What the links need. */
export interface LinksDeps {
  readonly clock: Clock;
  readonly counters: StationCounting;
  readonly logger: Logger;
  readonly anomalies: Anomalies;
  readonly open: OpenPort;
  /** Wait for a BBMD's answer, ms. */
  readonly timeoutMs: number;
  /** `from` is the origin: never a BBMD. `broadcast`: it was not sent to us alone. */
  arrived(npdu: Uint8Array, from: Endpoint, broadcast: boolean): void;
}

const MAX_LEARNED = 4096;

/** BACnet/IP below the network layer: interfaces, broadcasts, the registration as foreign device, the BBMD. [BACnet Annex J] */
export class Links {
  readonly #deps: LinksDeps;
  #ports: readonly DatagramPort[] = [];
  #foreign: ForeignDevice | undefined;
  #bbmd: Bbmd | undefined;
  #broadcasts: readonly (Endpoint | undefined)[] = [];
  /** At which of several interfaces a host outside of their subnets was heard. */
  readonly #heardAt = new Map<string, DatagramPort>();
  #closed = false;

  constructor(deps: LinksDeps) {
    this.#deps = deps;
  }

  /** @throws BACNET_BIND_FAILED, BACNET_BBMD_ADDRESS when a BBMD is not bound to the address that others know */
  async open({ interfaces, foreignDevice, bbmd }: LinkOptions): Promise<void> {
    if (bbmd !== undefined && interfaces[0]?.host === "0.0.0.0") {
      throw new InvalidInputError("BACNET_BBMD_ADDRESS", "a BBMD must be bound to one address, not to 0.0.0.0");
    }
    const { open, logger, clock, counters, timeoutMs } = this.#deps;
    const ports: DatagramPort[] = [];
    this.#ports = ports;
    this.#broadcasts = interfaces.map(({ broadcast }) => broadcast);
    try {
      for (const at of interfaces) {
        const index = ports.length;
        const received = (datagram: Uint8Array, from: Endpoint): void => this.#received(datagram, from, ports[index]);
        const port = await open(at, { received, notSent: (error, to) => this.#notSent(error, to) }, logger);
        ports.push(port);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    const send = (bvlc: Bvlc, to: Endpoint): void => this.#send(encodeBvlc(bvlc), to);
    const first = ports[0];
    if (bbmd !== undefined && first !== undefined) {
      const sendLocally = (bvlc: Bvlc): void => this.#sendLocally(encodeBvlc(bvlc));
      this.#bbmd = new Bbmd(bbmd, { clock, own: first.local, send, sendLocally });
    }
    if (foreignDevice !== undefined) {
      this.#foreign = new ForeignDevice(foreignDevice, { clock, counters, logger, timeoutMs, send });
      this.#foreign.begin();
    }
  }

  /** Bound addresses, one an interface. */
  get endpoints(): readonly Endpoint[] {
    return this.#ports.map(({ local }) => local);
  }

  get foreign(): ForeignDevice | undefined {
    return this.#foreign;
  }

  get bbmd(): Bbmd | undefined {
    return this.#bbmd;
  }

  unicast(npdu: Uint8Array, to: Endpoint): void {
    this.#send(encodeBvlc({ function: "originalUnicast", npdu }), to);
  }

  /** Sends a datagram that is ready. */
  send(datagram: Uint8Array, to: Endpoint): void {
    this.#send(datagram, to);
  }

  /** To all of our BACnet network: the own subnets, those behind our BBMD, those we are BBMD for. */
  broadcast(npdu: Uint8Array): void {
    this.#sendLocally(encodeBvlc({ function: "originalBroadcast", npdu }));
    const first = this.#ports[0];
    if (first !== undefined) this.#bbmd?.original(npdu, first.local);
    if (this.#foreign !== undefined) {
      this.#send(encodeBvlc({ function: "distributeBroadcast", npdu }), this.#foreign.bbmd);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#foreign?.close();
    await Promise.all(this.#ports.map((port) => port.close()));
    this.#ports = [];
    this.#heardAt.clear();
  }

  #sendLocally(datagram: Uint8Array): void {
    for (const [i, port] of this.#ports.entries()) {
      const to = this.#broadcasts[i];
      if (to !== undefined && !this.#closed) port.send(datagram, to);
    }
  }

  #send(datagram: Uint8Array, to: Endpoint): void {
    if (!this.#closed) this.#portTo(to.host)?.send(datagram, to);
  }

  #portTo(host: string): DatagramPort | undefined {
    const [first] = this.#ports;
    if (this.#ports.length < 2) return first;
    return this.#ports.find((port) => port.reaches(host)) ?? this.#heardAt.get(host) ?? first;
  }

  #received(datagram: Uint8Array, via: Endpoint, port: DatagramPort | undefined): void {
    if (this.#closed || port === undefined) return;
    if (this.#isOwn(via)) {
      this.#deps.counters.add("echoes");
      return;
    }
    this.#deps.anomalies.guard(via, "malformedLink", () => {
      const bvlc = decodeBvlc(datagram);
      this.#heard(via.host, port);
      this.#take(bvlc, via);
    });
  }

  #take(bvlc: Bvlc, via: Endpoint): void {
    switch (bvlc.function) {
      case "originalUnicast":
        this.#deps.arrived(bvlc.npdu, via, false);
        break;
      case "originalBroadcast":
        this.#bbmd?.original(bvlc.npdu, via);
        this.#deps.arrived(bvlc.npdu, via, true);
        break;
      case "forwarded":
        this.#forwarded(bvlc, via);
        break;
      case "distributeBroadcast":
        if (this.#bbmd?.distribute(bvlc.npdu, via) === true) this.#deps.arrived(bvlc.npdu, via, true);
        else this.#refuse(bvlc, via);
        break;
      case "result":
        if (this.#foreign?.result(bvlc.code, via) !== true) this.#deps.counters.add("linkMessages");
        break;
      default:
        this.#deps.counters.add("linkMessages");
        if (this.#bbmd === undefined) this.#refuse(bvlc, via);
        else this.#bbmd.asked(bvlc, via);
    }
  }

  #forwarded(bvlc: Extract<Bvlc, { function: "forwarded" }>, via: Endpoint): void {
    // nobody can be answered there
    if (bvlc.origin.port === 0) throw malformed("forwarded from port 0");
    // our own broadcast, come back by way of a BBMD
    if (this.#isOwn(bvlc.origin)) {
      this.#deps.counters.add("echoes");
      return;
    }
    this.#bbmd?.forwarded(bvlc, via);
    this.#deps.arrived(bvlc.npdu, bvlc.origin, true);
  }

  #refuse(bvlc: Bvlc, to: Endpoint): void {
    const refusal = refusalOf(bvlc);
    if (refusal !== undefined) this.#send(encodeBvlc(refusal), to);
  }

  #isOwn({ host, port }: Endpoint): boolean {
    return this.#ports.some(({ local, addresses }) => local.port === port && addresses.includes(host));
  }

  #heard(host: string, port: DatagramPort): void {
    if (this.#ports.length < 2 || this.#heardAt.get(host) === port) return;
    this.#heardAt.set(host, port);
    if (this.#heardAt.size <= MAX_LEARNED) return;
    const [oldest] = this.#heardAt.keys();
    if (oldest !== undefined) this.#heardAt.delete(oldest);
  }

  #notSent(error: Error, to: Endpoint): void {
    if (this.#closed) return;
    this.#deps.counters.add("sendErrors");
    this.#deps.logger.debug({ error: errorMessage(error), to: `${to.host}:${to.port}` }, "BACnet datagram not sent");
  }
}
