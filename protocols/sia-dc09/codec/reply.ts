import { encryptReply } from "./cipher.ts";
import { type Frame, formatFrame } from "./frame.ts";
import { formatTimestamp } from "./timestamp.ts";

/** ACK (stored) or DUH (understood, but nothing can be made of it) for a frame; encrypted as the frame was. [SIA DC-09 §5.5.2] */
export function reply(kind: "ACK" | "DUH", frame: Frame, nowMs: number, key?: Uint8Array): Uint8Array {
  const { sequence, receiver, line, account } = frame;
  const head = `${sequence}${receiver}${line === "" ? "L0" : line}#${account}[`;
  const body =
    frame.encrypted && key !== undefined
      ? `"*${kind}"${head}${encryptReply(`]${formatTimestamp(nowMs)}`, key)}`
      : `"${kind}"${head}]`;
  return formatFrame(body, frame.binaryCrc);
}

/** NAK: the frame's time is outside the window; carries ours, so that the panel can set its clock. [SIA DC-09 §5.5.2.2] */
export function negative(nowMs: number, binaryCrc = false): Uint8Array {
  return formatFrame(`"NAK"0000R0L0A0[]${formatTimestamp(nowMs)}`, binaryCrc);
}
