import type { Clock } from "#core/clock.ts";
import { systemClock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Apdu } from "../codec/apdu.ts";
import type { Peer } from "../codec/frame.ts";
import type { Endpoint, ForeignDeviceEntry } from "../codec/link.ts";
import { Anomalies } from "./anomalies.ts";
import { type AnswerApdu, ClientTransactions } from "./client-transactions.ts";
import { StationCounters, type StationCounting } from "./counters.ts";
import { type OpenPort, openUdpPort } from "./datagrams.ts";
import type { ForeignState } from "./foreign-device.ts";
import { type Abilities, FULL_ABILITIES } from "./framing.ts";
import { type LinkOptions, Links } from "./links.ts";
import { type Envelope, Network } from "./network.ts";
import { type Pace, Pacer } from "./pacer.ts";
import type { Destination, Outcome, Request, Station, StationHandlers } from "./ports.ts";
import { type Route, Routes } from "./routes.ts";
import { ServerTransactions } from "./server-transactions.ts";

/** How a station works. */
export interface StationOptions extends LinkOptions {
  /** Wait for an answer before a repetition, ms; 3000 when absent. [BACnet 12.11.28 APDU_Timeout] */
  readonly apduTimeoutMs?: number;
  /** Wait for a SegmentACK, ms; `apduTimeoutMs` but at most 1500 when absent. [BACnet 12.11.27 APDU_Segment_Timeout] */
  readonly segmentTimeoutMs?: number;
  /** Repetitions of a request or window; 3 when absent. [BACnet 12.11.29 Number_Of_APDU_Retries] */
  readonly retries?: number;
  /** How much one peer is asked at a time; 4 at once when absent. */
  readonly peerPace?: Pace;
  /** How much a network behind a router is asked; one at a time and 20 a second when absent. */
  readonly networkPace?: Pace;
  /** Networks with a pace of their own. */
  readonly networks?: ReadonlyMap<number, Pace>;
  /** What this station takes and sends; all that BACnet/IP allows when absent. */
  readonly abilities?: Partial<Abilities>;
}

/** What a station needs. */
export interface StationDeps {
  readonly logger: Logger;
  readonly handlers: StationHandlers;
  /** The machine's when absent. */
  readonly clock?: Clock;
  /** Counters of its own when absent. */
  readonly counters?: StationCounting;
  /** UDP when absent. */
  readonly open?: OpenPort;
}

/** A station that is open. */
export interface BacnetStation extends Station {
  /** Bound addresses, one an interface. */
  readonly endpoints: readonly Endpoint[];
  /** Registration with the BBMD; undefined when none is configured. */
  readonly foreignState: ForeignState | undefined;
  /** Devices that are registered here, where this is a BBMD. */
  readonly foreignDevices: readonly ForeignDeviceEntry[];
  readonly routes: readonly Route[];
  /** Changes what this station takes and sends; holds for what begins afterwards. */
  setAbilities(abilities: Partial<Abilities>): void;
  /** Forgets the requests that it is answering and those it has answered, as a device does that restarts. */
  forget(): void;
  /** Settles all that waits as cancelled and closes the ports. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 3000;
const DEFAULT_RETRIES = 3;
// some receivers give up after 2 s, and take what comes then for the beginning of another message
const LONGEST_SEGMENT_TIMEOUT_MS = 1500;
// [BACnet 5.3] a receiver of segments waits so many times as long as a sender
const SEGMENT_WAIT = 4;
const DEFAULT_PEER_PACE: Pace = { window: 4 };
// half-duplex lines of 38.4 to 76.8 kbit/s are usual behind routers
const DEFAULT_NETWORK_PACE: Pace = { window: 1, requestsPerS: 20 };

/** Opens the ports of a station and begins to take what comes in. @throws BACNET_BIND_FAILED, BACNET_BBMD_ADDRESS */
export async function openStation(options: StationOptions, deps: StationDeps): Promise<BacnetStation> {
  const station = new IpStation(options, deps);
  await station.open(options);
  return station;
}

class IpStation implements BacnetStation {
  readonly #handlers: StationHandlers;
  readonly #counters: StationCounting;
  readonly #anomalies: Anomalies;
  readonly #links: Links;
  readonly #routes: Routes;
  readonly #network: Network;
  readonly #client: ClientTransactions;
  readonly #server: ServerTransactions;
  #abilities: Abilities;
  #closed = false;

  constructor(options: StationOptions, deps: StationDeps) {
    const { logger, handlers, clock = systemClock, counters = new StationCounters(), open = openUdpPort } = deps;
    const { apduTimeoutMs = DEFAULT_TIMEOUT_MS, retries = DEFAULT_RETRIES } = options;
    const segmentTimeoutMs = options.segmentTimeoutMs ?? Math.min(apduTimeoutMs, LONGEST_SEGMENT_TIMEOUT_MS);
    this.#handlers = handlers;
    this.#counters = counters;
    this.#abilities = { ...FULL_ABILITIES, ...options.abilities };
    const anomalies = new Anomalies(clock, counters, logger);
    this.#anomalies = anomalies;
    this.#links = new Links({
      clock,
      counters,
      logger,
      anomalies,
      open,
      timeoutMs: apduTimeoutMs,
      arrived: (npdu, from, broadcast) => this.#network.received(npdu, from, broadcast),
    });
    const whoIsRouter = (net: number): void => this.#network.whoIsRouter(net);
    this.#routes = new Routes({ clock, counters, timeoutMs: apduTimeoutMs, retries, whoIsRouter });
    const pacer = new Pacer(clock, {
      peer: options.peerPace ?? DEFAULT_PEER_PACE,
      network: options.networkPace ?? DEFAULT_NETWORK_PACE,
      networks: options.networks ?? new Map(),
    });
    this.#network = new Network({
      counters,
      anomalies,
      links: this.#links,
      routes: this.#routes,
      pacer,
      arrived: (apdu, envelope) => this.#arrived(apdu, envelope),
    });
    const shared = {
      clock,
      counters,
      segmentTimeoutMs,
      segmentWaitMs: SEGMENT_WAIT * Math.max(apduTimeoutMs, segmentTimeoutMs),
      retries,
      abilities: () => this.#abilities,
      send: (peer: Peer, apdu: Apdu, priority: number) => this.#network.send(peer, apdu, priority),
    };
    this.#client = new ClientTransactions({ ...shared, pacer, apduTimeoutMs });
    this.#server = new ServerTransactions({ ...shared, anomalies, asked: (question) => handlers.asked(question) });
  }

  open(options: LinkOptions): Promise<void> {
    return this.#links.open(options);
  }

  get endpoints(): readonly Endpoint[] {
    return this.#links.endpoints;
  }

  get foreignState(): ForeignState | undefined {
    return this.#links.foreign?.state;
  }

  get foreignDevices(): readonly ForeignDeviceEntry[] {
    return this.#links.bbmd?.foreignDevices() ?? [];
  }

  get routes(): readonly Route[] {
    return this.#routes.all();
  }

  request(request: Request): Promise<Outcome> {
    return this.#client.request(request);
  }

  announce(service: number, body: Uint8Array, to: Destination): void {
    if (!this.#closed) this.#network.announce({ type: "unconfirmedRequest", service, body }, to);
  }

  routeTo(net: number, signal: AbortSignal): Promise<Endpoint | undefined> {
    return this.#routes.find(net, signal);
  }

  setAbilities(abilities: Partial<Abilities>): void {
    this.#abilities = { ...this.#abilities, ...abilities };
  }

  forget(): void {
    this.#server.clear();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.close();
    this.#server.clear();
    this.#routes.close();
    await this.#links.close();
  }

  #arrived(apdu: Apdu, envelope: Envelope): void {
    if (this.#closed) return;
    const { peer, priority } = envelope;
    if (apdu.type === "unconfirmedRequest") this.#announced(peer, apdu.service, apdu.body);
    else if (apdu.type !== "confirmedRequest") this.#answered(peer, apdu);
    // [BACnet 5.4.5.1 ConfirmedBroadcastReceived] nobody may ask everybody for an answer
    else if (envelope.broadcast) this.#counters.add("unexpected");
    else this.#server.received(peer, apdu, priority);
  }

  #announced(peer: Peer, service: number, body: Uint8Array): void {
    this.#anomalies.guard(peer, "malformedService", () => this.#handlers.announced({ peer, service, body }));
  }

  #answered(peer: Peer, apdu: AnswerApdu): void {
    if (apdu.type === "segmentAck" && !apdu.server && this.#server.acknowledged(peer, apdu)) return;
    if (apdu.type === "abort" && !apdu.server && this.#server.aborted(peer, apdu.invokeId)) return;
    // some devices leave the bit clear that says that they are the server
    if (!this.#client.received(peer, apdu)) this.#client.unclaimed(peer, apdu);
  }
}
