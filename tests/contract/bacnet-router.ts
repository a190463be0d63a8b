import { decodeBvlc, decodeNpdu, encodeBvlc, encodeNpdu } from "#protocols/bacnet/codec/link.ts";
import { decodeNetworkMessage, encodeNetworkMessage } from "#protocols/bacnet/codec/network.ts";
import { loopbackSocket } from "./bacnet-fixture.ts";

/** A router on loopback with one network behind it, whose stations are devices at UDP ports. */
export interface TestRouter {
  readonly port: number;
  /** Datagrams that were passed to each station, by its address there. */
  readonly passed: ReadonlyMap<number, readonly Uint8Array[]>;
  close(): Promise<void>;
}

interface Station {
  readonly mac: number;
  readonly passed: Uint8Array[];
  readonly send: (npdu: Uint8Array) => void;
}

/** Opens a router to `net`; `stations` are ports of devices by their address on it. It serves one client. */
export async function openTestRouter(net: number, stations: ReadonlyMap<number, number>): Promise<TestRouter> {
  const front = await loopbackSocket();
  const opened: Awaited<ReturnType<typeof loopbackSocket>>[] = [front];
  let client = 0;
  const toClient = (npdu: Uint8Array): void =>
    front.socket.send(encodeBvlc({ function: "originalUnicast", npdu }), client, "127.0.0.1");

  async function station(mac: number, port: number): Promise<Station> {
    const back = await loopbackSocket();
    opened.push(back);
    back.socket.on("message", (datagram) => {
      const bvlc = decodeBvlc(datagram);
      if (!("npdu" in bvlc)) return;
      const { destination: _, ...npdu } = decodeNpdu(bvlc.npdu);
      toClient(encodeNpdu({ ...npdu, source: { net, mac: Uint8Array.of(mac) } }));
    });
    const passed: Uint8Array[] = [];
    return {
      mac,
      passed,
      send(npdu) {
        passed.push(npdu);
        back.socket.send(encodeBvlc({ function: "originalUnicast", npdu }), port, "127.0.0.1");
      },
    };
  }

  const known = await Promise.all([...stations].map(([mac, port]) => station(mac, port)));
  front.socket.on("message", (datagram, from) => {
    client = from.port;
    const bvlc = decodeBvlc(datagram);
    if (!("npdu" in bvlc)) return;
    const { destination, ...npdu } = decodeNpdu(bvlc.npdu);
    if (npdu.message !== undefined) {
      if (decodeNetworkMessage(npdu.message).type !== "whoIsRouter") return;
      const message = encodeNetworkMessage({ type: "iAmRouter", nets: [net] });
      toClient(encodeNpdu({ expectingReply: false, priority: 0, message }));
      return;
    }
    if (destination?.net !== net) return;
    const [mac] = destination.mac;
    for (const one of known) if (mac === undefined || one.mac === mac) one.send(encodeNpdu(npdu));
  });
  return {
    port: front.port,
    passed: new Map(known.map(({ mac, passed }) => [mac, passed])),
    async close() {
      await Promise.all(opened.map((socket) => socket.close()));
    },
  };
}
