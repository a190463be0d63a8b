import { expect, it } from "vitest";
import { encodeAdu } from "#protocols/modbus/codec/mbap.ts";
import { encodeRequest, type Request } from "#protocols/modbus/codec/pdu.ts";
import { encodeRtu } from "#protocols/modbus/codec/rtu.ts";
import { type Ask, newCounters, type Outcome } from "#protocols/modbus/exchange.ts";
import { MbapExchange } from "#protocols/modbus/mbap-exchange.ts";
import { RtuExchange } from "#protocols/modbus/rtu-exchange.ts";
import { OwedAnswers } from "#protocols/modbus/rtu-late.ts";
import { ManualClock } from "../../../manual-clock.ts";

const TIMEOUT_MS = 100;
const READ: Request = { kind: "read", table: "holdingRegister", address: 7, quantity: 1 };
const WRITE: Request = { kind: "writeRegister", address: 7, registers: Uint8Array.of(0, 9) };

/** A connection of which the test is the other end. */
function cable() {
  const sent: Uint8Array[] = [];
  let closed = false;
  return {
    sent,
    closed: () => closed,
    stream: {
      write: (bytes: Uint8Array) => void sent.push(bytes),
      destroy() {
        closed = true;
      },
    },
  };
}

function asking(request: Request, unitId: number, signal?: AbortSignal) {
  const outcomes: Outcome[] = [];
  const ask: Ask = {
    unitId,
    request,
    pdu: encodeRequest(request),
    settle: (outcome) => outcomes.push(outcome),
    ...(signal === undefined ? {} : { signal }),
  };
  return { ask, outcomes };
}

function rtuLine() {
  const clock = new ManualClock(0);
  const { stream, sent, closed } = cable();
  const options = { timeoutMs: TIMEOUT_MS, silenceMs: 4 };
  const exchange = new RtuExchange(stream, options, clock, newCounters(), new OwedAnswers(), () => {});
  return { clock, sent, closed, exchange };
}

it("a unit that never answers behind a living gateway does not use up the ids of the connection", () => {
  const clock = new ManualClock(0);
  const { stream, sent, closed } = cable();
  const exchange = new MbapExchange(stream, { timeoutMs: TIMEOUT_MS, window: 1 }, clock, newCounters(), () => {});
  for (let round = 0; round < 5000 && exchange.open; round++) {
    exchange.ask(asking(READ, 9).ask);
    clock.advance(TIMEOUT_MS);
    if (!exchange.open) break;
    const living = asking(READ, 5);
    exchange.ask(living.ask);
    const transactionId = Buffer.from(sent.at(-1) ?? []).readUInt16BE(0);
    exchange.receive(encodeAdu({ transactionId, unitId: 5, pdu: Uint8Array.of(3, 2, 0, 7) }));
    expect(living.outcomes).toEqual([{ kind: "data", data: Uint8Array.of(0, 7) }]);
    sent.length = 0;
  }
  expect(closed(), "the connection is replaced long before its 65536 ids are used up").toBe(true);
});

it("a line that is never silent is told, instead of holding its devices back for ever", () => {
  const { clock, sent, closed, exchange } = rtuLine();
  const noise = (): void => {
    clock.advance(1);
    exchange.receive(Uint8Array.of(0xff));
  };
  noise();
  for (let attempt = 0; attempt < 3; attempt++) {
    const { ask, outcomes } = asking(READ, 5);
    exchange.ask(ask);
    for (let ms = 0; ms < TIMEOUT_MS + 10 && outcomes.length === 0; ms++) noise();
    expect(outcomes).toMatchObject([
      { kind: "failed", reason: "unreachable", message: expect.stringMatching(/silent/) },
    ]);
  }
  expect(sent).toEqual([]);
  expect(closed(), "perhaps another connection is quiet").toBe(true);
});

it("a write whose time ends while its unit is brought back into step is not sent any more", () => {
  const { clock, sent, exchange } = rtuLine();
  exchange.ask(asking(READ, 5).ask);
  clock.advance(TIMEOUT_MS + 10);
  const ending = new AbortController();
  const write = asking(WRITE, 5, ending.signal);
  exchange.ask(write.ask);
  clock.advance(10);
  expect(sent, "the read, and the probe before the write").toHaveLength(2);
  ending.abort();
  const probe = Buffer.from(sent.at(-1) ?? []);
  const data = new Uint8Array(probe.readUInt16BE(4) * 2);
  exchange.receive(encodeRtu({ unitId: 5, pdu: Uint8Array.of(3, data.length, ...data) }));
  clock.advance(10);
  expect(write.outcomes).toMatchObject([{ kind: "failed", reason: "aborted" }]);
  expect(sent).toHaveLength(2);
  expect(exchange.free).toBe(true);
});
