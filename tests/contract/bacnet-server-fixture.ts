import { afterEach } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { CONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import type { Peer } from "#protocols/bacnet/codec/frame.ts";
import {
  decodeReadPropertyAck,
  decodeReadPropertyMultipleAck,
  encodeReadProperty,
  encodeReadPropertyMultiple,
  encodeWriteProperty,
  type PropertyResult,
} from "#protocols/bacnet/codec/services/property.ts";
import type { BacnetValue, ObjectId } from "#protocols/bacnet/codec/values.ts";
import type { Announcement, Outcome, Question, Reply } from "#protocols/bacnet/station/ports.ts";
import { type BacnetStation, openStation, type StationOptions } from "#protocols/bacnet/station/station.ts";
import type { BacnetServer } from "#simulators/servers/bacnet.ts";

/** What a test opened; closed last first after it. */
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Closes something after the test. */
export function closeAfter<T extends { close(): unknown }>(opened: T): T {
  closing.push(() => opened.close());
  return opened;
}

/** A signal that never aborts. */
const never = new AbortController().signal;

/** An operator's workstation: asks one served device, and keeps what it is told. */
export interface Workstation {
  readonly port: number;
  readonly station: BacnetStation;
  /** Confirmed requests that came, oldest first. */
  readonly asked: Question[];
  /** Unconfirmed ones. */
  readonly announced: Announcement[];
  /** How confirmed notifications are answered; acknowledged when not set. */
  reply: (question: Question) => Reply | Promise<Reply>;
  ask(service: number, body: Uint8Array): Promise<Outcome>;
  /** Body of the acknowledgement. @throws Error for any other outcome */
  acked(service: number, body: Uint8Array): Promise<Uint8Array>;
  announce(service: number, body: Uint8Array): void;
  read(object: ObjectId, property: number, index?: number): Promise<readonly BacnetValue[]>;
  /** Results of a ReadPropertyMultiple of one object. */
  readMultiple(object: ObjectId, ...properties: readonly number[]): Promise<readonly PropertyResult[]>;
  write(object: ObjectId, property: number, ...values: readonly BacnetValue[]): Promise<Outcome>;
}

/** A workstation on a free loopback port, closed after the test. */
export async function workstation(
  server: Pick<BacnetServer, "address">,
  options: Partial<StationOptions> = {},
): Promise<Workstation> {
  const peer: Peer = server.address;
  const asked: Question[] = [];
  const announced: Announcement[] = [];
  const station = await openStation(
    { interfaces: [{ host: "127.0.0.1", port: 0 }], apduTimeoutMs: 1000, retries: 2, ...options },
    {
      logger: silentLogger,
      handlers: {
        announced: (message) => void announced.push(message),
        asked(question) {
          asked.push(question);
          return self.reply(question);
        },
      },
    },
  );
  closing.push(() => station.close());
  const [endpoint] = station.endpoints;
  const self: Workstation = {
    port: endpoint?.port ?? 0,
    station,
    asked,
    announced,
    reply: () => ({ kind: "ack" }),
    ask: (service, body) => station.request({ peer, service, body, signal: never }),
    async acked(service, body) {
      const outcome = await self.ask(service, body);
      if (outcome.kind !== "ack") throw new Error(JSON.stringify(outcome));
      return outcome.body;
    },
    announce: (service, body) => station.announce(service, body, peer),
    async read(object, property, index) {
      const reference = { object, property, ...(index === undefined ? {} : { index }) };
      return decodeReadPropertyAck(await self.acked(CONFIRMED.readProperty, encodeReadProperty(reference))).values;
    },
    async readMultiple(object, ...properties) {
      const body = encodeReadPropertyMultiple([{ object, properties: properties.map((property) => ({ property })) }]);
      const [result] = decodeReadPropertyMultipleAck(await self.acked(CONFIRMED.readPropertyMultiple, body));
      return result?.results ?? [];
    },
    write: (object, property, ...values) =>
      self.ask(CONFIRMED.writeProperty, encodeWriteProperty({ object, property, values })),
  };
  return self;
}

/** Content of a value that is alone. */
export function only(values: readonly BacnetValue[]): unknown {
  const [value] = values;
  return value !== undefined && values.length === 1 && "value" in value ? value.value : values;
}
