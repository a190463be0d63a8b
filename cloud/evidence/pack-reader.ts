import { unzipSync } from "fflate";
import { EvidenceError } from "./errors.ts";

/** Files of one pack. */
const MOST_FILES = 2000;
/** Bytes of all files of one pack when they are unpacked. */
const MOST_BYTES = 1_200_000_000;
/** Bytes of a file that is read as a whole and understood. */
const MOST_TEXT = 64_000_000;
/** What every system takes for a file below the folder, and none for anything else. */
const SAFE = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,4}$/;
const MOST_PATH = 200;

interface Entry {
  readonly bytes: number;
}

function invalid(why: string, cause?: unknown): EvidenceError {
  return new EvidenceError("EVIDENCE_PACK_INVALID", `no evidence pack: ${why}`, { cause });
}

/**
 * A zip file from who knows where: what leaves its folder, comes twice or would fill the memory is refused before anything of
 * it is unpacked.
 */
export class PackReader {
  readonly #bytes: Uint8Array;
  readonly #entries: ReadonlyMap<string, Entry>;

  /** @throws EVIDENCE_PACK_INVALID */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#entries = this.#list();
  }

  /** Paths of the files, in the order of the zip. */
  get paths(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** The bytes of a file; undefined where there is none of the name. @throws EVIDENCE_PACK_INVALID */
  read(path: string): Uint8Array | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    try {
      return unzipSync(this.#bytes, { filter: ({ name }) => name === path })[path];
    } catch (error) {
      throw invalid(`${path} cannot be unpacked`, error);
    }
  }

  /** The same as text. @throws EVIDENCE_PACK_INVALID when it is too large or no UTF-8 */
  text(path: string): string | undefined {
    const { bytes = 0 } = this.#entries.get(path) ?? {};
    if (bytes > MOST_TEXT) throw invalid(`${path} is ${bytes} bytes long`);
    const found = this.read(path);
    try {
      return found && new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(found);
    } catch (error) {
      throw invalid(`${path} is no UTF-8 text`, error);
    }
  }

  #list(): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>();
    const known = new Set<string>();
    let total = 0;
    const take = (name: string, size: number, originalSize: number, compression: number): void => {
      // A folder of its own, as programs that pack again make them, is nothing by itself.
      if (name.endsWith("/") && originalSize === 0 && SAFE.test(name.slice(0, -1))) return;
      const shown = JSON.stringify(name.slice(0, MOST_PATH));
      if (name.length > MOST_PATH || !SAFE.test(name)) throw invalid(`the path ${shown} is not allowed`);
      if (known.has(name.toLowerCase())) throw invalid(`the path ${shown} is there twice`);
      if (compression !== 0 && compression !== 8) throw invalid(`${shown} is compressed in an unknown way`);
      if (compression === 0 && size !== originalSize) throw invalid(`${shown} says two different lengths`);
      total += originalSize;
      if (entries.size >= MOST_FILES || total > MOST_BYTES) throw invalid("it holds more than a pack may");
      known.add(name.toLowerCase());
      entries.set(name, { bytes: originalSize });
    };
    try {
      unzipSync(this.#bytes, {
        filter: ({ name, size, originalSize, compression }) => {
          take(name, size, originalSize, compression);
          return false;
        },
      });
    } catch (error) {
      throw error instanceof EvidenceError ? error : invalid("it is no zip file, or not a whole one", error);
    }
    return entries;
  }
}
