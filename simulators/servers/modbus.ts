import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { type Clock, systemClock } from "#core/clock.ts";
import { CommunicationError, errorCode } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { type Adu, AduDecoder, encodeAdu } from "#protocols/modbus/codec/mbap.ts";
import { EXCEPTION, encodeAnswer, encodeException, functionCode, parseRequest } from "#protocols/modbus/codec/pdu.ts";
import type { FieldServer } from "../device.ts";
import { type ModbusUnit, UnitTables } from "./modbus/unit.ts";

export { type ModbusMapping, modbusMapOf } from "./modbus/map.ts";
export type { ModbusUnit } from "./modbus/unit.ts";

/** Where and how a simulated Modbus TCP server listens. */
export interface ModbusServerOptions {
  /** Default 0: a free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /**
   * What becomes of a request for a unit that is not there: `silent` (default), or `exception`: a gateway's exception 11.
   * [Modbus Application Protocol V1.1b3 7]
   */
  readonly unknownUnit?: "silent" | "exception";
  /** For the down time of `reboot`; default the machine's clock. */
  readonly clock?: Clock;
}

/** A field server that also counts, so that a test sees what reached the field. */
export interface ModbusFieldServer extends FieldServer {
  /** Requests answered and connections accepted since the start. */
  counters(): { readonly requests: number; readonly connections: number };
}

/**
 * Puts simulated devices on Modbus TCP: function codes 1-6, 15 and 16 over the four tables, exceptions 1, 2 and 3.
 * Several units on one server stand for the devices behind a gateway.
 * @throws SIM_MODBUS_MAP_INVALID, SIM_MODBUS_LISTEN_FAILED
 */
export async function serveModbus(
  units: readonly ModbusUnit[],
  options: ModbusServerOptions,
  logger: Logger,
): Promise<ModbusFieldServer> {
  const host = new ModbusHost(units, options, logger);
  await host.listen(options.port ?? 0);
  return host;
}

class ModbusHost implements ModbusFieldServer {
  readonly #units: ReadonlyMap<number, UnitTables>;
  readonly #options: ModbusServerOptions;
  readonly #logger: Logger;
  readonly #sockets = new Set<Socket>();
  readonly #host: string;
  #server: Server | undefined;
  #port = 0;
  #silent = false;
  #closed = false;
  #cancelReboot: () => void = () => {};
  #requests = 0;
  #connections = 0;

  constructor(units: readonly ModbusUnit[], options: ModbusServerOptions, logger: Logger) {
    this.#units = new Map(units.map((unit) => [unit.unitId, new UnitTables(unit)]));
    this.#options = options;
    this.#logger = logger;
    this.#host = options.host ?? "127.0.0.1";
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#host, port: this.#port };
  }

  counters(): { readonly requests: number; readonly connections: number } {
    return { requests: this.#requests, connections: this.#connections };
  }

  async listen(port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    server.listen(port, this.#host);
    try {
      await once(server, "listening");
    } catch (cause) {
      throw new CommunicationError("SIM_MODBUS_LISTEN_FAILED", `cannot listen on ${this.#host}:${port}`, { cause });
    }
    const bound = server.address();
    if (bound !== null && typeof bound !== "string") this.#port = bound.port;
    this.#server = server;
  }

  silence(): void {
    this.#silent = true;
  }

  restore(): void {
    this.#silent = false;
  }

  async reboot(downMs: number): Promise<void> {
    await this.#shut();
    await new Promise<void>((resolve) => {
      const cancel = (this.#options.clock ?? systemClock).after(downMs, resolve);
      this.#cancelReboot = () => {
        cancel();
        resolve();
      };
    });
    if (!this.#closed) await this.listen(this.#port);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelReboot();
    await this.#shut();
  }

  async #shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#connections++;
    this.#sockets.add(socket);
    const decoder = new AduDecoder();
    socket.on("data", (bytes) => {
      try {
        for (const adu of decoder.push(bytes)) this.#serve(socket, adu);
      } catch (error) {
        this.#logger.warn({ code: errorCode(error) }, "simulated Modbus server closed a connection");
        socket.destroy();
      }
    });
    socket.on("error", (error) => this.#logger.debug({ code: errorCode(error) }, "simulated Modbus connection failed"));
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #serve(socket: Socket, adu: Adu): void {
    if (this.#silent) return;
    const pdu = this.#answer(adu);
    if (pdu === undefined) return;
    this.#requests++;
    socket.write(encodeAdu({ ...adu, pdu }));
  }

  #answer(adu: Adu): Uint8Array | undefined {
    const unit = this.#units.get(adu.unitId);
    const request = parseRequest(adu.pdu);
    const code = request.kind === "refused" ? request.functionCode : functionCode(request);
    if (unit === undefined) {
      const gateway = this.#options.unknownUnit === "exception";
      return gateway ? encodeException(code, EXCEPTION.gatewayTargetFailedToRespond) : undefined;
    }
    if (request.kind === "refused") return encodeException(code, request.code);
    const answer = unit.serve(request);
    if (answer.kind === "exception") return encodeException(code, answer.code);
    return encodeAnswer(request, answer.kind === "data" ? answer.data : undefined);
  }
}
