import type { Socket } from "node:net";
import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { AduDecoder, encodeAdu } from "#protocols/modbus/codec/mbap.ts";
import { encodeException, parseRequest } from "#protocols/modbus/codec/pdu.ts";
import { encodeRtu, RtuDecoder, requestLength } from "#protocols/modbus/codec/rtu.ts";
import type { ModbusFaults } from "./faults.ts";

/** How a server frames what it says over TCP. */
export type ModbusFraming = "tcp" | "rtuOverTcp";

/** One request as it came. */
export interface Incoming {
  /** 0 where the framing has none. */
  readonly transactionId: number;
  readonly unitId: number;
  readonly pdu: Uint8Array;
}

/** What a connection needs of its server. */
export interface ConnectionServer {
  readonly framing: ModbusFraming;
  readonly faults: ModbusFaults;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The answer's PDU; undefined where nothing is answered. */
  answer(request: Incoming): Uint8Array | undefined;
}

/** A begun RTU frame is given up after so long without another byte, ms. */
const BROKEN_FRAME_MS = 50;

/** One client of a simulated Modbus server, with the faults that its answers show. */
export class ServedConnection {
  /** No longer answered, and not closed either. */
  dead = false;
  readonly #socket: Socket;
  readonly #server: ConnectionServer;
  readonly #receive: (bytes: Uint8Array) => readonly Incoming[];
  readonly #timers = new Set<() => void>();
  readonly #rtu = new RtuDecoder(requestLength);
  #cancelBroken: () => void = () => {};
  /** An answer that waits for the next one. */
  #held: Uint8Array | undefined;
  /** Answers of a serial line that wait for their turn. */
  readonly #queue: { readonly delayMs: number; readonly send: () => void }[] = [];

  constructor(socket: Socket, server: ConnectionServer) {
    this.#socket = socket;
    this.#server = server;
    const decoder = new AduDecoder();
    this.#receive =
      server.framing === "tcp" ? (bytes) => decoder.push(bytes) : (bytes) => this.#rtu.push(bytes).map(rtuRequest);
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", (error) =>
      server.logger.debug({ code: errorCode(error) }, "simulated Modbus connection failed"),
    );
    socket.on("close", () => this.#forget());
  }

  /** Ends it at once. */
  destroy(): void {
    this.#forget();
    this.#socket.destroy();
  }

  #forget(): void {
    this.#cancelBroken();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #take(bytes: Uint8Array): void {
    this.#cancelBroken();
    try {
      for (const request of this.#receive(bytes)) this.#serve(request);
    } catch (error) {
      this.#server.logger.warn({ code: errorCode(error) }, "simulated Modbus server closed a connection");
      this.#socket.destroy();
      return;
    }
    if (this.#rtu.waiting > 0) {
      this.#cancelBroken = this.#server.clock.after(BROKEN_FRAME_MS, () => {
        for (const frame of this.#rtu.silence()) this.#serve(rtuRequest(frame));
      });
    }
  }

  #serve(request: Incoming): void {
    if (this.dead) return;
    const { faults, framing } = this.#server;
    const refused = faults.hits("exception");
    const touched = refused === undefined ? undefined : addressesOf(request.pdu);
    const hit = touched !== undefined && refused !== undefined && overlaps(touched, refused);
    const pdu = hit ? encodeException(request.pdu[0] ?? 0, refused["code"] ?? 4) : this.#server.answer(request);
    if (pdu === undefined || faults.hits("dropped") !== undefined) return;
    const unitId = faults.hits("wrong-unit") === undefined ? request.unitId : (request.unitId % 247) + 1;
    const told = faults.hits("wrong-length") === undefined ? pdu : lengthened(pdu);
    const frame = framing === "tcp" ? encodeAdu({ ...request, unitId, pdu: told }) : encodeRtu({ unitId, pdu: told });
    const last = frame.length - 1;
    if (faults.hits("crc-error") !== undefined) frame[last] = (frame[last] ?? 0) ^ 0x55;
    this.#answer(frame);
  }

  #answer(frame: Uint8Array): void {
    const { faults } = this.#server;
    const lateMs = faults.hits("late")?.["ms"] ?? 0;
    const waits = this.#held === undefined ? faults.hits("reordered") : undefined;
    if (waits !== undefined) {
      this.#held = frame;
      this.#later(waits["ms"] ?? 0, () => this.#release());
      return;
    }
    this.#inTurn(lateMs, () => {
      this.#send(frame);
      this.#release();
    });
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#send(held);
  }

  /** A serial line gives its answers in order; over TCP each comes when it comes. */
  #inTurn(delayMs: number, send: () => void): void {
    if (this.#server.framing === "tcp") {
      if (delayMs <= 0) send();
      else this.#later(delayMs, send);
      return;
    }
    this.#queue.push({ delayMs, send });
    if (this.#queue.length === 1) this.#inOrder();
  }

  #inOrder(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const { delayMs, send } = next;
      if (delayMs > 0) {
        this.#later(delayMs, () => {
          send();
          this.#queue.shift();
          this.#inOrder();
        });
        return;
      }
      send();
      this.#queue.shift();
    }
  }

  #send(frame: Uint8Array): void {
    const slow = this.#server.faults.hits("slow-bytes");
    if (slow === undefined) {
      if (!this.#socket.destroyed) this.#socket.write(frame);
      return;
    }
    const stepMs = slow["ms"] ?? 1;
    frame.forEach((byte, index) => {
      this.#later(stepMs * (index + 1), () => {
        if (!this.#socket.destroyed) this.#socket.write(Uint8Array.of(byte));
      });
    });
  }

  #later(delayMs: number, callback: () => void): void {
    const cancel = this.#server.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }
}

function rtuRequest(frame: { readonly unitId: number; readonly pdu: Uint8Array }): Incoming {
  return { ...frame, transactionId: 0 };
}

/** First and last address that a request touches. */
function addressesOf(pdu: Uint8Array): readonly [number, number] | undefined {
  const request = parseRequest(pdu);
  switch (request.kind) {
    case "refused":
      return undefined;
    case "read":
    case "readWrite":
      return [request.address, request.address + request.quantity - 1];
    case "writeCoils":
      return [request.address, request.address + request.values.length - 1];
    case "writeRegisters":
      return [request.address, request.address + (request.registers.length >> 1) - 1];
    default:
      return [request.address, request.address];
  }
}

function overlaps([first, last]: readonly [number, number], options: Readonly<Record<string, number>>): boolean {
  return last >= (options["from"] ?? 0) && first <= (options["to"] ?? 0xffff);
}

/** A read's answer with a register more than was asked; another answer with two bytes more. */
function lengthened(pdu: Uint8Array): Uint8Array {
  const longer = new Uint8Array(pdu.length + 2);
  longer.set(pdu);
  const counts = [1, 2, 3, 4, 23].includes(pdu[0] ?? 0);
  if (counts) longer[1] = (pdu[1] ?? 0) + 2;
  return longer;
}
