/** The field of the bench, in a process of its own: a Modbus TCP device of bits, as many units as there are thousands of them. */
import { createServer } from "node:net";
import process from "node:process";

/** Bits of one unit: read by one request. */
export const UNIT_BITS = 500;
/** How often a ramp sets what is due. */
const STEP_MS = 20;
/** Header and body of a request for bits, and of what comes before the bits of its answer. */
const REQUEST = 12;
const HEADER = 9;

/** What the field is asked. Bits are numbered over all units. */
export type FieldRequest =
  /** One bit, at once. */
  | { readonly t: "set"; readonly bit: number; readonly value: boolean }
  /** The bits from `from` to before `to`, one after the other within `ms`. Answered when the last is set. */
  | { readonly t: "ramp"; readonly from: number; readonly to: number; readonly value: boolean; readonly ms: number }
  /** How often bits from `from` to before `to` have come since the last time that was asked. */
  | { readonly t: "rises"; readonly from: number; readonly to: number };

/** Its answer. `at`: when the last bit was set, Unix ms. */
export interface FieldAnswer {
  readonly at: number;
  readonly rises: number;
}

const bits = new Uint8Array(0x1_0000);
const rises = new Uint32Array(0x1_0000);

function set(bit: number, value: boolean): void {
  const next = value ? 1 : 0;
  if (next === 1 && bits[bit] === 0) rises[bit] = (rises[bit] ?? 0) + 1;
  bits[bit] = next;
}

/** [Modbus Application Protocol V1.1b3 6.2] */
function answer(request: Buffer, at: number): Buffer {
  const from = ((request[at + 6] ?? 1) - 1) * UNIT_BITS + request.readUInt16BE(at + 8);
  const quantity = request.readUInt16BE(at + 10);
  const bytes = Math.ceil(quantity / 8);
  const frame = Buffer.alloc(HEADER + bytes);
  request.copy(frame, 0, at, at + 4);
  frame.writeUInt16BE(3 + bytes, 4);
  frame[6] = request[at + 6] ?? 0;
  frame[7] = request[at + 7] ?? 0;
  frame[8] = bytes;
  for (let index = 0; index < quantity; index++)
    if (bits[from + index] === 1)
      frame[HEADER + (index >> 3)] = (frame[HEADER + (index >> 3)] ?? 0) | (1 << (index & 7));
  return frame;
}

function ramp({ from, to, value, ms }: Extract<FieldRequest, { t: "ramp" }>, done: () => void): void {
  const started = performance.now();
  let next = from;
  const timer = setInterval(() => {
    const due = from + Math.ceil(((to - from) * (performance.now() - started)) / ms);
    while (next < Math.min(due, to)) set(next++, value);
    if (next < to) return;
    clearInterval(timer);
    done();
  }, STEP_MS);
}

function told(from: number, to: number): number {
  const count = rises.subarray(from, to).reduce((sum, one) => sum + one, 0);
  rises.fill(0, from, to);
  return count;
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    const data = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let at = 0;
    for (; at + REQUEST <= data.length; at += REQUEST) socket.write(answer(data, at));
    rest = data.subarray(at);
  });
  socket.on("error", () => socket.destroy());
});

if (process.send !== undefined) {
  const reply = (id: number, count: number): void =>
    void process.send?.({ id, at: Date.now(), rises: count } satisfies FieldAnswer & { id: number });
  process.on("message", ({ id, request }: { id: number; request: FieldRequest }) => {
    switch (request.t) {
      case "set":
        set(request.bit, request.value);
        reply(id, 0);
        return;
      case "ramp":
        ramp(request, () => reply(id, 0));
        return;
      case "rises":
        reply(id, told(request.from, request.to));
        return;
      default:
        request satisfies never;
    }
  });
  process.on("disconnect", () => process.exit());
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    process.send?.({ port: address !== null && typeof address === "object" ? address.port : 0 });
  });
}
