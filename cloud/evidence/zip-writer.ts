import { createHash } from "node:crypto";
import { Zip, ZipDeflate, ZipPassThrough } from "fflate";
import type { EvidenceFile } from "#core/contracts/evidence.ts";
import { EvidenceError } from "./errors.ts";

/** A file that is to be packed. */
export interface PackedFile {
  readonly path: string;
  /** False for what is compressed already. */
  readonly compress: boolean;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Makes a zip file piece by piece: what has been made is taken before more is made, so that little is in memory. */
export class ZipWriter {
  readonly #zip: Zip;
  readonly #at: number;
  readonly #most: number;
  #made: Uint8Array[] = [];
  #bytes = 0;
  #fault: Error | null = null;

  /** `at`: time of the files, Unix ms. `most`: bytes of all files together. */
  constructor(at: number, most: number) {
    this.#at = at;
    this.#most = most;
    this.#zip = new Zip((error, piece) => {
      this.#fault ??= error;
      if (error === null) this.#made.push(piece);
    });
  }

  /** Packs one file and gives pieces of the zip; returns what the file was. @throws EVIDENCE_TOO_LARGE */
  async *add({ path, compress, content }: PackedFile): AsyncGenerator<Uint8Array, EvidenceFile> {
    const entry = compress ? new ZipDeflate(path, { level: 6 }) : new ZipPassThrough(path);
    entry.mtime = this.#at;
    this.#zip.add(entry);
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const piece of content) {
      bytes += piece.length;
      this.#bytes += piece.length;
      if (this.#bytes > this.#most)
        throw new EvidenceError("EVIDENCE_TOO_LARGE", `the pack would pass ${this.#most} bytes at ${path}`);
      hash.update(piece);
      // What it is given it may keep until the next push: a stream's pool is used again before that.
      entry.push(Uint8Array.from(piece), false);
      yield* this.#take();
    }
    entry.push(new Uint8Array(0), true);
    yield* this.#take();
    return { path, bytes, sha256: hash.digest("hex") };
  }

  /** The end of the zip. */
  *end(): Generator<Uint8Array> {
    this.#zip.end();
    yield* this.#take();
  }

  *#take(): Generator<Uint8Array> {
    if (this.#fault !== null) throw this.#fault;
    const made = this.#made;
    this.#made = [];
    yield* made;
  }
}
