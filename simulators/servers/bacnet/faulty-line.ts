import type { Clock } from "#core/clock.ts";
import { decodeFrame } from "#protocols/bacnet/codec/frame.ts";
import type { Endpoint } from "#protocols/bacnet/codec/link.ts";
import { type DatagramPort, type OpenPort, openUdpPort } from "#protocols/bacnet/station/datagrams.ts";
import { Random } from "../../devices/physics.ts";
import type { BacnetFaults } from "./faults.ts";

/** The last segment of an answer has none to be overtaken by: it goes on after this. */
const HELD_MS = 20;

/** The cable of a simulated device: what a network does to datagrams on their way. */
export class FaultyLine {
  readonly #faults: BacnetFaults;
  readonly #clock: Clock;
  readonly #random: Random;
  /** The device is cut off or has no power. */
  readonly #dead: () => boolean;
  #held: { readonly datagram: Uint8Array; readonly to: Endpoint; readonly cancel: () => void } | undefined;

  /** The same seed loses the same datagrams. */
  constructor(faults: BacnetFaults, clock: Clock, seed: number, dead: () => boolean) {
    this.#faults = faults;
    this.#clock = clock;
    this.#random = new Random(seed);
    this.#dead = dead;
  }

  /** Opens a UDP port at this line. @throws BACNET_BIND_FAILED */
  readonly open: OpenPort = async (at, listener, logger) => {
    const port = await openUdpPort(
      at,
      {
        received: (datagram, from) => {
          if (!this.#loses()) listener.received(datagram, from);
        },
        notSent: (error, to) => listener.notSent(error, to),
      },
      logger,
    );
    return {
      local: port.local,
      addresses: port.addresses,
      reaches: (host) => port.reaches(host),
      send: (datagram, to) => this.#send(port, datagram, to),
      close: async () => {
        this.#held?.cancel();
        this.#held = undefined;
        await port.close();
      },
    };
  };

  #loses(): boolean {
    if (this.#dead() || this.#faults.has("silent")) return true;
    const loss = this.#faults.of("loss");
    return loss !== undefined && this.#random.next() * 100 < loss.percent;
  }

  #send(port: DatagramPort, datagram: Uint8Array, to: Endpoint): void {
    if (this.#loses()) return;
    if (!this.#faults.has("reordered-segments") || !isSegment(datagram)) {
      port.send(datagram, to);
      return;
    }
    const held = this.#held;
    if (held === undefined) {
      const cancel = this.#clock.after(HELD_MS, () => this.#release(port));
      this.#held = { datagram, to, cancel };
      return;
    }
    port.send(datagram, to);
    this.#release(port);
  }

  #release(port: DatagramPort): void {
    const held = this.#held;
    if (held === undefined) return;
    held.cancel();
    this.#held = undefined;
    port.send(held.datagram, held.to);
  }
}

/** A segment of an answer. */
function isSegment(datagram: Uint8Array): boolean {
  const frame = decodeFrame(datagram);
  return frame.kind === "apdu" && frame.apdu.type === "complexAck" && frame.apdu.segment !== undefined;
}
