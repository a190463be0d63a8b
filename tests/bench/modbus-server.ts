import { createServer } from "node:net";
import process from "node:process";

/**
 * A Modbus TCP device that costs as little as can be, in a process of its own: FC3 of any registers. The first register of each answer
 * is the time in tenths of a millisecond; of the others unit 1 changes 3 in 100 between two answers, unit 2 all.
 */
const HEADER = 9;
const REQUEST = 12;
const CHANGED_EACH = 33;

/** Answers so far, by first register. */
const turns = new Uint32Array(0x1_0000);

function answer(request: Buffer, at: number): Buffer {
  const quantity = request.readUInt16BE(at + 10);
  const address = request.readUInt16BE(at + 8);
  const frame = Buffer.allocUnsafe(HEADER + 2 * quantity);
  request.copy(frame, 0, at, at + 4);
  frame.writeUInt16BE(3 + 2 * quantity, 4);
  frame[6] = request[at + 6] ?? 0;
  frame[7] = 3;
  frame[8] = 2 * quantity;
  const all = request[at + 6] === 2;
  const turn = (turns[address] ?? 0) + 1;
  turns[address] = turn;
  for (let index = 1; index < quantity; index++) {
    // a register of unit 1 steps once while the others of its group of 33 stand still
    const value = all ? turn + index : Math.floor((turn + index) / CHANGED_EACH);
    const place = HEADER + 2 * index;
    frame[place] = value >> 8;
    frame[place + 1] = value;
  }
  frame.writeUInt16BE(Math.floor((performance.timeOrigin + performance.now()) * 10) & 0xffff, HEADER);
  return frame;
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    const data = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let at = 0;
    const answers: Buffer[] = [];
    for (; at + REQUEST <= data.length; at += REQUEST) answers.push(answer(data, at));
    rest = data.subarray(at);
    const [first] = answers;
    if (first !== undefined) socket.write(answers.length === 1 ? first : Buffer.concat(answers));
  });
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(address !== null && typeof address === "object" ? address.port : 0);
});
process.on("disconnect", () => process.exit());
