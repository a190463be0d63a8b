const FIRST_BYTES = 64 * 1024;
/** A buffer that one great picture has made larger is given back. */
const KEPT_BYTES = 1024 * 1024;
const LENGTH_BYTES = 4;

/** Gathers the NAL units of one picture, each behind its length of 4 bytes, with one copy of every byte. */
export class AccessUnitBuffer {
  readonly #limitBytes: number;
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  /** Where the length of the open unit stands; -1: none is open. */
  #openAt = -1;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get open(): boolean {
    return this.#openAt >= 0;
  }
  get bytes(): number {
    return this.#end;
  }
  /** Bytes of the open unit. */
  get openBytes(): number {
    return this.open ? this.#end - this.#openAt - LENGTH_BYTES : 0;
  }

  /** Begins a unit. */
  begin(): void {
    this.#openAt = this.#end;
    if (this.#reserve(LENGTH_BYTES)) this.#end += LENGTH_BYTES;
  }

  /** Appends to the open unit. False: the picture is larger than any may be. */
  append(bytes: Uint8Array): boolean {
    if (!this.#reserve(bytes.length)) return false;
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
    return true;
  }

  /** The open unit as far as it is there; a view that holds until the next change. */
  openUnit(): Buffer {
    return this.#buffer.subarray(this.open ? this.#openAt + LENGTH_BYTES : this.#end, this.#end);
  }

  /** Forgets the open unit. */
  abandon(): void {
    if (this.open) this.#end = this.#openAt;
    this.#openAt = -1;
  }

  /** Ends the open unit. */
  finish(): void {
    if (!this.open) return;
    this.#buffer.writeUInt32BE(this.openBytes, this.#openAt);
    this.#openAt = -1;
  }

  /** The picture, in memory of its own; empties the buffer. */
  take(): Uint8Array<ArrayBuffer> {
    const data = new Uint8Array(this.#end);
    data.set(this.#buffer.subarray(0, this.#end));
    this.clear();
    return data;
  }

  /** Forgets everything. */
  clear(): void {
    this.#end = 0;
    this.#openAt = -1;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  #reserve(bytes: number): boolean {
    const wanted = this.#end + bytes;
    if (wanted > this.#limitBytes) return false;
    if (wanted > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#limitBytes, Math.max(wanted, this.#buffer.length * 2)));
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    return true;
  }
}
