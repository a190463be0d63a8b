import { AccessUnitBuffer } from "./access-unit.ts";
import type { Count } from "./picture.ts";
import { type RtpPacket, sequenceStep } from "./rtp.ts";

/** Most that one NAL unit and one picture may have, bytes. */
const MAX_UNIT_BYTES = 4 * 1024 * 1024;
const MAX_PICTURE_BYTES = 8 * 1024 * 1024;

/** A picture as its packets made it: NAL units, each behind its length of 4 bytes. */
export interface AccessUnit {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly key: boolean;
  /** Pictures before this one were lost. */
  readonly gap: boolean;
  readonly timestamp: number;
}

/** Takes the parts of fragmented and aggregated packets. */
export interface FragmentReader {
  /** A whole NAL unit. */
  unit(nal: Buffer): void;
  /** A part of one: `header` begins it, `last` ends it. */
  fragment(header: Buffer | undefined, bytes: Buffer, last: boolean): void;
  /** The packet is of no shape that the payload format knows. */
  malformed(): void;
}

/**
 * What a NAL unit is to its picture: `drop` none of it, `other` goes with it, `first` the slice that it begins with, `slice` a
 * following one. `key`: of a picture that needs no other.
 */
export interface UnitClass {
  readonly part: "drop" | "other" | "first" | "slice";
  readonly key: boolean;
}

/** What differs from one codec to the other. */
export interface PayloadFormat {
  /** Splits a packet's payload into NAL units and parts of them. */
  split(payload: Buffer, reader: FragmentReader): void;
  /** Looks at a whole NAL unit. What is no part of the picture, such as parameter sets, it keeps for itself in a copy. */
  classify(nal: Buffer): UnitClass;
  /** Before a picture goes out. False: it cannot be decoded with what is known. */
  ready(key: boolean): boolean;
}

/**
 * Makes pictures of RTP packets. After a loss, which is a hole in the sequence numbers, nothing comes until the next key picture:
 * a decoder would show garbage until then.
 */
export class Depacketizer implements FragmentReader {
  readonly #format: PayloadFormat;
  readonly #onPicture: (unit: AccessUnit) => void;
  readonly #count: Count;
  readonly #buffer = new AccessUnitBuffer(MAX_PICTURE_BYTES);
  #sequence: number | undefined;
  #ssrc: number | undefined;
  #timestamp = 0;
  #hasPicture = false;
  #key = false;
  #waitsForKey = true;
  #gap = false;
  /** The picture that is being gathered is spoilt. */
  #spoilt = false;

  constructor(format: PayloadFormat, onPicture: (unit: AccessUnit) => void, count: Count) {
    this.#format = format;
    this.#onPicture = onPicture;
    this.#count = count;
  }

  /** Does it wait for a key picture? */
  get waitsForKey(): boolean {
    return this.#waitsForKey;
  }

  /** Takes the next packet of the stream. */
  push(packet: RtpPacket): void {
    if (!this.#inOrder(packet)) return;
    if (packet.timestamp !== this.#timestamp) {
      this.#flush();
      this.#timestamp = packet.timestamp;
    }
    this.#format.split(packet.payload, this);
    if (packet.marker) this.#flush();
  }

  #inOrder({ sequence, ssrc, timestamp }: RtpPacket): boolean {
    if (this.#ssrc !== ssrc) {
      if (this.#ssrc !== undefined) this.#lose("restarts");
      this.#ssrc = ssrc;
      this.#timestamp = timestamp;
    } else if (this.#sequence !== undefined) {
      const step = sequenceStep(this.#sequence, sequence);
      if (step === "old") {
        this.#count("latePackets");
        return false;
      }
      if (step === "lost") {
        this.#lose("gaps");
        // what is left of the picture that the hole is in
        this.#spoilt = timestamp === this.#timestamp;
      }
    }
    this.#sequence = sequence;
    return true;
  }

  unit(nal: Buffer): void {
    if (this.#buffer.open) this.malformed();
    this.#buffer.begin();
    this.#append(nal, true);
  }

  fragment(header: Buffer | undefined, bytes: Buffer, last: boolean): void {
    if (header !== undefined) {
      if (this.#buffer.open) this.malformed();
      this.#buffer.begin();
      this.#append(header, false);
    } else if (!this.#buffer.open) {
      // its beginning is in the hole that was counted
      if (!this.#spoilt) this.malformed();
      return;
    }
    this.#append(bytes, last);
  }

  malformed(): void {
    this.#lose("malformedPackets");
    this.#spoilt = true;
  }

  #append(bytes: Buffer, last: boolean): void {
    if (!this.#buffer.append(bytes) || this.#buffer.openBytes > MAX_UNIT_BYTES) {
      this.#lose("tooLarge");
      this.#spoilt = true;
    } else if (last) this.#whole();
  }

  #whole(): void {
    const { part, key } = this.#format.classify(this.#buffer.openUnit());
    if (part === "drop") {
      this.#buffer.abandon();
      return;
    }
    this.#buffer.finish();
    // the slice that it begins with was lost
    if (part === "slice" && !this.#hasPicture) this.#spoilt = true;
    this.#hasPicture ||= part !== "other";
    this.#key ||= key;
  }

  #flush(): void {
    if (this.#buffer.open) this.#lose("malformedPackets");
    const { bytes } = this.#buffer;
    const whole = this.#hasPicture && bytes > 0 && !this.#spoilt;
    const key = this.#key;
    if (whole && (key || !this.#waitsForKey) && this.#format.ready(key)) {
      const gap = this.#gap;
      this.#waitsForKey = false;
      this.#gap = false;
      this.#onPicture({ data: this.#buffer.take(), key, gap, timestamp: this.#timestamp });
    } else if (whole) {
      this.#count("skippedPictures");
      if (!this.#waitsForKey) this.#lose("undecodable");
    }
    this.#empty();
  }

  #lose(counter: string): void {
    this.#count(counter);
    this.#gap = true;
    this.#waitsForKey = true;
    this.#empty();
  }

  #empty(): void {
    this.#buffer.clear();
    this.#hasPicture = false;
    this.#key = false;
    this.#spoilt = false;
  }
}
