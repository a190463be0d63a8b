import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { type Clock, systemClock } from "#core/clock.ts";
import { CommunicationError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { EXCEPTION, encodeAnswer, encodeException, functionCode, parseRequest } from "#protocols/modbus/codec/pdu.ts";
import type { FieldServer } from "../device.ts";
import { type ConnectionServer, type Incoming, type ModbusFraming, ServedConnection } from "./modbus/connection.ts";
import { type ModbusFault, ModbusFaults } from "./modbus/faults.ts";
import { type ModbusUnit, UnitTables } from "./modbus/unit.ts";

export type { ModbusFraming } from "./modbus/connection.ts";
export { type ModbusMapping, modbusMapOf } from "./modbus/map.ts";
export type { ModbusUnit } from "./modbus/unit.ts";
export { waterMeterMapOf } from "./modbus/water-meter-map.ts";

/** Where and how a simulated Modbus server listens. */
export interface ModbusServerOptions {
  /** `tcp` (default): Modbus TCP. `rtuOverTcp`: a serial device server, with RTU frames as they are on its line. */
  readonly framing?: ModbusFraming;
  /** Default 0: a free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /**
   * What becomes of a request for a unit that is not there: `silent` (default), or `exception`: a gateway's exception 11.
   * [Modbus Application Protocol V1.1b3 7]
   */
  readonly unknownUnit?: "silent" | "exception";
  /** For the down time of `reboot` and for slow answers; default the machine's clock. */
  readonly clock?: Clock;
  /** Decides which answers a fault with a share hits; default 1. */
  readonly seed?: number;
}

/** A field server that also counts, so that a test sees what reached the field. */
export interface ModbusFieldServer extends FieldServer {
  readonly faults: ModbusFaults;
  /** Requests answered and connections accepted since the start. */
  counters(): { readonly requests: number; readonly connections: number };
}

/**
 * Puts simulated devices on Modbus TCP or RTU over TCP: function codes 1-6, 15, 16, 22 and 23 over the four tables, exceptions 1, 2
 * and 3. Several units on one server stand for the devices behind a gateway.
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

class ModbusHost implements ModbusFieldServer, ConnectionServer {
  readonly framing: ModbusFraming;
  readonly faults: ModbusFaults;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly #units: ReadonlyMap<number, UnitTables>;
  readonly #options: ModbusServerOptions;
  readonly #connected = new Set<ServedConnection>();
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
    this.logger = logger;
    this.clock = options.clock ?? systemClock;
    this.framing = options.framing ?? "tcp";
    this.faults = new ModbusFaults(this.framing === "rtuOverTcp", options.seed ?? 1, (kind, on) =>
      this.#fault(kind, on),
    );
    this.#host = options.host ?? "127.0.0.1";
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#host, port: this.#port };
  }

  counters(): { readonly requests: number; readonly connections: number } {
    return { requests: this.#requests, connections: this.#connections };
  }

  async listen(port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#connections++;
      const connection = new ServedConnection(socket, this);
      this.#connected.add(connection);
      socket.on("close", () => this.#connected.delete(connection));
    });
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
      const cancel = this.clock.after(downMs, resolve);
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

  answer({ unitId, pdu }: Incoming): Uint8Array | undefined {
    if (this.#silent) return undefined;
    const answer = this.#answerOf(unitId, pdu);
    if (answer !== undefined) this.#requests++;
    return answer;
  }

  #answerOf(unitId: number, pdu: Uint8Array): Uint8Array | undefined {
    const unit = this.#units.get(unitId);
    const request = parseRequest(pdu);
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

  #fault(kind: ModbusFault, on: boolean): void {
    if (kind === "frozen") for (const unit of this.#units.values()) unit.freeze(on);
    // what is half open stays so: only a new connection helps
    if (kind === "half-open" && on) for (const connection of this.#connected) connection.dead = true;
  }

  async #shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    for (const connection of this.#connected) connection.destroy();
    await closed;
  }
}
