import { randomUUID } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Clock } from "#core/clock.ts";
import type { DiscoveredDevice, Discovery } from "#core/contracts/discovery.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import {
  buildProbe,
  DISCOVERY_GROUP,
  DISCOVERY_PORT,
  DISCOVERY_TYPES,
  type ProbeMatch,
  parseProbeMatches,
  scopeValue,
} from "./codec/discovery.ts";
import type { OnvifSettings } from "./config.ts";
import { sleep } from "./sleep.ts";

/** Probes are sent again after so long: UDP loses some. [SOAP-over-UDP §3.4] */
const REPEAT_MS = 250;
const MAX_DEVICES = 1000;
const MAX_PROBLEMS = 50;
/** Datagrams looked at in one search; a flood beyond is noise. */
const MAX_DATAGRAMS = 10_000;
const MAX_DATAGRAM_BYTES = 65_535;

/** What a search needs of the channel's section. */
export type DiscoverySettings = Pick<OnvifSettings, "discoveryInterfaces" | "discoveryTargets" | "discoveryMs">;

/** One search for devices. */
class Search {
  readonly #settings: DiscoverySettings;
  readonly #clock: Clock;
  readonly #devices = new Map<string, DiscoveredDevice>();
  readonly #problems: string[] = [];
  readonly #probes = new Set<string>();
  #datagrams = 0;
  #malformed = 0;

  constructor(settings: DiscoverySettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  async run(signal: AbortSignal): Promise<Discovery> {
    const { discoveryInterfaces, discoveryTargets, discoveryMs } = this.#settings;
    if (discoveryInterfaces.length === 0 && discoveryTargets.length === 0)
      this.#problem("the channel names neither discoveryInterfaces nor discoveryTargets: nobody was asked");
    const sockets = await Promise.all([
      ...discoveryInterfaces.map((address) => this.#multicast(address)),
      ...(discoveryTargets.length === 0 ? [] : [this.#unicast(discoveryTargets)]),
    ]);
    try {
      for (let sent = 0; sent < 2; sent++) {
        for (const socket of sockets) socket?.send();
        await sleep(this.#clock, sent === 0 ? REPEAT_MS : discoveryMs, signal);
      }
    } finally {
      for (const socket of sockets) socket?.close();
    }
    if (this.#malformed > 0) this.#problem(`${this.#malformed} answers were no ProbeMatches`);
    return { at: this.#clock.now(), devices: [...this.#devices.values()], points: [], problems: this.#problems };
  }

  #problem(text: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(text);
  }

  /** The probes of one socket. A repetition keeps its message id, so that a device answers one of both. */
  #messages(): readonly Buffer[] {
    return DISCOVERY_TYPES.map((types) => {
      const id = `urn:uuid:${randomUUID()}`;
      this.#probes.add(id);
      return Buffer.from(buildProbe(id, types));
    });
  }

  async #open(prepare: (socket: Socket) => void, address?: string): Promise<Socket | undefined> {
    const socket = createSocket({ type: "udp4" });
    socket.on("message", (bytes, from) => this.#received(bytes, from));
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject);
        socket.bind({ port: 0, ...(address === undefined ? {} : { address }) }, () => {
          socket.off("error", reject);
          resolve();
        });
      });
      socket.on("error", (error) => this.#problem(`search: ${errorMessage(error)}`));
      prepare(socket);
      return socket;
    } catch (error) {
      socket.close();
      this.#problem(`search${address === undefined ? "" : ` at ${address}`}: ${errorCode(error)}`);
      return undefined;
    }
  }

  async #multicast(address: string): Promise<{ send(): void; close(): void } | undefined> {
    const socket = await this.#open((opened) => {
      opened.setMulticastInterface(address);
      opened.setMulticastTTL(1);
    }, address);
    return socket === undefined ? undefined : this.#sender(socket, [{ host: DISCOVERY_GROUP, port: DISCOVERY_PORT }]);
  }

  async #unicast(targets: readonly string[]): Promise<{ send(): void; close(): void } | undefined> {
    // Targets on this machine (a simulator, a tunnel) need no socket that others reach.
    const local = targets.every((target) => /^(127\.|localhost(:|$))/.test(target));
    const socket = await this.#open(() => undefined, local ? "127.0.0.1" : undefined);
    const hosts = targets.map((target) => {
      const [host = "", port] = target.split(":");
      return { host, port: port === undefined ? DISCOVERY_PORT : Number(port) };
    });
    return socket === undefined ? undefined : this.#sender(socket, hosts);
  }

  #sender(socket: Socket, hosts: readonly { readonly host: string; readonly port: number }[]) {
    const messages = this.#messages();
    const failed = new Set<string>();
    const one = (message: Buffer, host: string, port: number): void => {
      socket.send(message, port, host, (error) => {
        if (error === null || failed.has(host)) return;
        failed.add(host);
        this.#problem(`${host}:${port} could not be asked: ${errorCode(error)}`);
      });
    };
    return {
      send: (): void => {
        for (const { host, port } of hosts) for (const message of messages) one(message, host, port);
      },
      close: (): void => {
        socket.removeAllListeners("message");
        socket.close();
      },
    };
  }

  #received(bytes: Buffer, from: RemoteInfo): void {
    this.#datagrams++;
    if (this.#datagrams > MAX_DATAGRAMS || bytes.length > MAX_DATAGRAM_BYTES) return;
    try {
      const answer = parseProbeMatches(bytes.toString("utf8"));
      // An answer to somebody else's probe, or a made-up one.
      if (!this.#probes.has(answer.relatesTo)) return;
      for (const match of answer.matches) this.#matched(match, from.address);
    } catch (error) {
      if (errorCode(error) !== "ONVIF_MALFORMED") throw error;
      this.#malformed++;
    }
  }

  #matched(match: ProbeMatch, sender: string): void {
    if (this.#devices.has(match.endpoint) || this.#devices.size >= MAX_DEVICES) return;
    const url = addressOf(match.addresses, sender);
    if (url === undefined) {
      this.#problem(`${sender} gave no address of its device service`);
      return;
    }
    if (url.hostname !== sender) this.#problem(`${sender} gave an address at ${url.host}`);
    const { scopes } = match;
    const model = scopeValue(scopes, "hardware");
    const manufacturer = scopeValue(scopes, "manufacturer") ?? scopeValue(scopes, "mfr");
    this.#devices.set(match.endpoint, {
      identity: match.endpoint,
      name: scopeValue(scopes, "name") ?? model ?? url.host,
      ...(model === undefined ? {} : { model }),
      ...(manufacturer === undefined ? {} : { manufacturer }),
      config: { url: url.href },
    });
  }
}

/** The address at the host that answered, else the first one that is usable at all. */
function addressOf(addresses: readonly string[], sender: string): URL | undefined {
  const usable = addresses
    .filter((address) => URL.canParse(address))
    .map((address) => new URL(address))
    .filter((url) => /^https?:$/.test(url.protocol) && url.username === "" && url.href.length <= 300);
  return usable.find((url) => url.hostname === sender) ?? usable[0];
}

/** Searches for devices by WS-Discovery. [ONVIF Core 7.3] Never throws for what the network does. */
export async function discoverDevices(
  settings: DiscoverySettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<Discovery> {
  return await new Search(settings, clock).run(signal);
}
