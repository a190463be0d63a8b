import { InvalidInputError } from "#core/errors.ts";
import type { FaultMenu, FaultOptions } from "../../device.ts";

interface OptionRange {
  readonly initial: number;
  readonly minimum: number;
  readonly maximum: number;
}

const percent: OptionRange = { initial: 5, minimum: 0, maximum: 100 };

/** Every fault and the ranges of its options, all whole numbers. */
const FAULTS = {
  /** No picture comes; connection and session stay. */
  "video-loss": {},
  /** The camera forgot the connections of that moment without telling; new ones work. */
  "video-half-open": {},
  /** Answers come a byte every so many ms, and no picture. */
  "video-slow-bytes": { everyMs: { initial: 200, minimum: 1, maximum: 60_000 } },
  /** Random bytes stand between the frames of the connection. */
  "video-garbage": {
    bytes: { initial: 512, minimum: 1, maximum: 65_536 },
    everyPictures: { initial: 5, minimum: 1, maximum: 1000 },
  },
  /** Packets are left out. */
  "video-packet-loss": { percent },
  /** Packets change places with the next one of their picture. */
  "video-reorder": { percent },
  /** Pictures come at half their sides, with parameter sets of their own in the middle of the stream. */
  "video-resolution-change": {},
  /** The main stream is told to be H.265 and sends no picture; the other stays H.264. */
  "video-h265": {},
  /** Every password is wrong. */
  "video-wrong-password": {},
  /** Sessions end so long after their start whatever the time-out told. */
  "video-session-cut": { afterMs: { initial: 5000, minimum: 0, maximum: 86_400_000 } },
  /** Sessions go on for ever without a request. */
  "video-session-kept": {},
  /** No key picture comes but the first of a stream. */
  "video-no-key-frames": {},
  /** A NAL unit of so many bytes goes with each key picture. */
  "video-huge-nal": { bytes: { initial: 5_000_000, minimum: 2, maximum: 64_000_000 } },
} as const satisfies Record<string, Readonly<Record<string, OptionRange>>>;

/** Names of the faults. */
export type VideoFault = keyof typeof FAULTS;
const KINDS = Object.keys(FAULTS) as readonly VideoFault[];

/** Which faults of a video server are switched on, with their options. */
export class VideoFaults implements FaultMenu {
  readonly kinds: readonly string[] = KINDS;
  readonly #active = new Map<string, Readonly<Record<string, number>>>();
  readonly #changed: (kind: VideoFault) => void;
  #random = 0x2545f491;

  /** `changed` is told of each fault that was switched on. */
  constructor(changed: (kind: VideoFault) => void) {
    this.#changed = changed;
  }

  get active(): readonly string[] {
    return [...this.#active.keys()];
  }

  set(kind: string, options: FaultOptions = {}): void {
    const known = knownFault(kind);
    const ranges: Readonly<Record<string, OptionRange>> = FAULTS[known];
    for (const [name, value] of Object.entries(options)) checkOption(known, name, value, ranges[name]);
    const values = Object.entries(ranges).map(
      ([name, { initial }]) => [name, Number(options[name] ?? initial)] as const,
    );
    this.#active.set(known, Object.fromEntries(values));
    this.#changed(known);
  }

  clear(kind?: string): void {
    if (kind === undefined) this.#active.clear();
    else this.#active.delete(kind);
  }

  isOn(kind: VideoFault): boolean {
    return this.#active.has(kind);
  }

  /** Value of a fault's option; undefined while the fault is off. */
  option(kind: VideoFault, name: string): number | undefined {
    return this.#active.get(kind)?.[name];
  }

  /** Does a fault that comes in so many percent of all cases come now? Never while it is off. */
  strikes(kind: VideoFault): boolean {
    return this.#draw() * 100 < (this.option(kind, "percent") ?? 0);
  }

  /** Bytes of which none can be told. */
  noise(length: number): Buffer {
    const noise = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) noise[i] = Math.floor(this.#draw() * 256);
    return noise;
  }

  /** 0 up to 1; the same from run to run. [xorshift, Marsaglia 2003] */
  #draw(): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return (this.#random >>> 0) / 2 ** 32;
  }
}

function knownFault(kind: string): VideoFault {
  const found = KINDS.find((candidate) => candidate === kind);
  if (found !== undefined) return found;
  throw new InvalidInputError("SIM_FAULT_UNKNOWN", `no fault "${kind}"; there are ${KINDS.join(", ")}`);
}

function checkOption(kind: string, name: string, value: unknown, range: OptionRange | undefined): void {
  if (range === undefined) {
    throw new InvalidInputError("SIM_FAULT_OPTION_INVALID", `${kind} has no option "${name}"`);
  }
  const { minimum, maximum } = range;
  if (Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum) return;
  const expected = `a whole number from ${minimum} to ${maximum}`;
  throw new InvalidInputError(
    "SIM_FAULT_OPTION_INVALID",
    `${kind}.${name} expected ${expected}, got ${JSON.stringify(value)}`,
  );
}
