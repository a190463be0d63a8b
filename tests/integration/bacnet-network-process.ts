import { createInterface } from "node:readline";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import type { Peer } from "#protocols/bacnet/codec/frame.ts";
import { openUdpPort } from "#protocols/bacnet/station/datagrams.ts";
import type { Destination } from "#protocols/bacnet/station/ports.ts";
import { openStation, type StationOptions } from "#protocols/bacnet/station/station.ts";
import { ipAddresses, openRouter } from "../unit/protocols/bacnet/station-router.ts";

/** What a station's process is told, a line of JSON each. Bodies are lists of bytes; a station's address is hexadecimal. */
export type Order =
  | {
      readonly do: "announce";
      readonly service: number;
      readonly body: readonly number[];
      readonly to: WrittenDestination;
    }
  | { readonly do: "request"; readonly service: number; readonly body: readonly number[]; readonly peer: WrittenPeer }
  | { readonly do: "routeTo"; readonly net: number }
  | { readonly do: "state" };

/** A peer in JSON. */
export interface WrittenPeer {
  readonly host: string;
  readonly port: number;
  readonly station?: { readonly net: number; readonly mac: string };
}
type WrittenDestination = WrittenPeer | { readonly broadcast: "local" | "global" | number };

/** What it tells. */
export type Told =
  | { readonly told: "ready" }
  | {
      readonly told: "announced";
      readonly peer: WrittenPeer;
      readonly service: number;
      readonly body: readonly number[];
    }
  | { readonly told: "answer"; readonly value: unknown };

/** How it begins: a station, or a router whose field side is on loopback, one port an address from 48000 on. */
export type Part =
  | ({ readonly part: "station" } & StationOptions)
  | {
      readonly part: "router";
      readonly net: number;
      readonly fieldNet: number;
      readonly host: string;
      readonly broadcast: string;
    };

const FIELD_PORT = 48_000;

function tell(told: Told): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

function written({ host, port, station }: Peer): WrittenPeer {
  if (station === undefined) return { host, port };
  return { host, port, station: { net: station.net, mac: Buffer.from(station.mac).toString("hex") } };
}

function read({ host, port, station }: WrittenPeer): Peer {
  if (station === undefined) return { host, port };
  return { host, port, station: { net: station.net, mac: Uint8Array.from(Buffer.from(station.mac, "hex")) } };
}

async function runStation(options: StationOptions): Promise<void> {
  const station = await openStation(options, {
    logger: silentLogger,
    clock: systemClock,
    handlers: {
      announced: ({ peer, service, body }) =>
        tell({ told: "announced", peer: written(peer), service, body: [...body] }),
      asked: ({ body }) => ({ kind: "ack", body }),
    },
  });
  const { signal } = new AbortController();
  const destination = (to: WrittenDestination): Destination => ("broadcast" in to ? to : read(to));
  const perform = async (order: Order): Promise<unknown> => {
    switch (order.do) {
      case "announce":
        station.announce(order.service, Uint8Array.from(order.body), destination(order.to));
        return undefined;
      case "request": {
        const { service, peer } = order;
        const limits = { maxApdu: 1476, takesSegments: true };
        const body = Uint8Array.from(order.body);
        const outcome = await station.request({ peer: read(peer), service, body, signal, limits });
        return "body" in outcome ? { ...outcome, body: [...outcome.body] } : outcome;
      }
      case "routeTo":
        return station.routeTo(order.net, signal);
      case "state":
        return { foreign: station.foreignState, foreignDevices: station.foreignDevices, routes: station.routes };
      default:
        order satisfies never;
        return undefined;
    }
  };
  tell({ told: "ready" });
  for await (const line of createInterface({ input: process.stdin })) {
    tell({ told: "answer", value: (await perform(JSON.parse(line) as Order)) ?? null });
  }
  await station.close();
}

async function runRouter({ net, fieldNet, host, broadcast }: Extract<Part, { part: "router" }>): Promise<void> {
  const port = 47_808;
  const loopback = "127.0.0.1";
  const router = await openRouter(
    { net, at: { host, port, broadcast: { host: broadcast, port } }, open: openUdpPort, ...ipAddresses },
    {
      net: fieldNet,
      // the one device there is address 1: what is for everybody is for it
      at: { host: loopback, port: FIELD_PORT, broadcast: { host: loopback, port: FIELD_PORT + 1 } },
      open: openUdpPort,
      addressOf: (mac) => ({ host: loopback, port: FIELD_PORT + (mac[0] ?? 0) }),
      macOf: (endpoint) => Uint8Array.of(endpoint.port - FIELD_PORT),
    },
  );
  tell({ told: "ready" });
  for await (const _ of createInterface({ input: process.stdin }));
  await router.close();
}

const part = JSON.parse(process.argv[2] ?? "null") as Part;
await (part.part === "router" ? runRouter(part) : runStation(part));
