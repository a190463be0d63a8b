/** A picture of a film. */
export interface FilmPicture {
  /** Length-prefixed (4 bytes) H.264 access unit. */
  readonly data: Uint8Array;
  readonly key: boolean;
  /** When it is shown, ms. In the order of decoding, which B pictures make another than that of showing. */
  readonly at: number;
}

/** A film of one H.264 track. */
export interface Film {
  readonly pictures: readonly FilmPicture[];
  /** avcC box content. */
  readonly description: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** When the first picture was taken, Unix ms. */
  readonly startedAt: number;
}

/** Ticks a second: those of RTP video, so that no time is rounded. */
const TIMESCALE = 90_000;
const TICKS_PER_MS = TIMESCALE / 1000;
/** Of the last picture when nothing follows from which it could be told, ms. */
const LAST_MS = 40;
/** Seconds from 1904, which this format counts from, to 1970. [ISO/IEC 14496-12 8.2.2.3] */
const EPOCH_S = 2_082_844_800;
const TRACK = 1;
const IDENTITY = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
const PICTURES_IN_CHUNK = 64;

const u16 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => {
    bytes.writeUInt16BE(value, index * 2);
  });
  return bytes;
};
const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, index * 4);
  });
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const bytes = content.reduce((sum, { length }) => sum + length, 8);
  return Buffer.concat([u32(bytes), Buffer.from(type, "latin1"), ...content], bytes);
}

/** A box with version and flags. */
function fullBox(type: string, version: number, flags: number, ...content: readonly Uint8Array[]): Buffer {
  return box(type, u32(version * 0x1_00_00_00 + flags), ...content);
}

interface Timing {
  /** How long each picture is decoded before the next, ticks. */
  readonly durations: readonly number[];
  /** Showing after decoding, ticks. */
  readonly offsets: readonly number[];
  readonly total: number;
}

/** Pictures are decoded at the moments at which any picture is shown; only B pictures are shown at another one of them. */
function timing(pictures: readonly FilmPicture[]): Timing {
  const origin = pictures.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
  const shown = pictures.map(({ at }) => Math.round((at - origin) * TICKS_PER_MS));
  const decoded = shown.toSorted((a, b) => a - b);
  const last = decoded.at(-1) ?? 0;
  const lastDuration = decoded.length > 1 ? Math.max(1, last - (decoded.at(-2) ?? 0)) : LAST_MS * TICKS_PER_MS;
  // a picture that was held for long, as when the stream was lost before it, says nothing on the last one
  const kept = Math.min(lastDuration, TIMESCALE);
  const durations = decoded.map((tick, index) => (decoded[index + 1] ?? tick + kept) - tick);
  return { durations, offsets: shown.map((tick, index) => tick - (decoded[index] ?? 0)), total: last + kept };
}

/** Runs of equal values, each as count and value. */
function runs(values: readonly number[]): Buffer {
  const entries: number[] = [];
  for (const value of values) {
    const count = entries.at(-2);
    if (count !== undefined && entries.at(-1) === value) entries[entries.length - 2] = count + 1;
    else entries.push(1, value);
  }
  return Buffer.concat([u32(entries.length / 2), u32(...entries)]);
}

function sampleEntry({ description, width, height }: Film): Buffer {
  return box(
    "avc1",
    Buffer.alloc(6),
    u16(1),
    Buffer.alloc(16),
    u16(width, height),
    u32(0x48_0000, 0x48_0000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(0x18, 0xffff),
    box("avcC", description),
  );
}

/** Positions of the chunks, from the start of the media data. */
function chunkOffsets(pictures: readonly FilmPicture[]): readonly number[] {
  let at = 0;
  return pictures.flatMap(({ data }, index) => {
    const offset = at;
    at += data.length;
    return index % PICTURES_IN_CHUNK === 0 ? [offset] : [];
  });
}

function sampleTable(film: Film, { durations, offsets }: Timing, mediaAt: number): Buffer {
  const { pictures } = film;
  const keys = pictures.flatMap(({ key }, index) => (key ? [index + 1] : []));
  const chunks = chunkOffsets(pictures);
  const inLast = pictures.length - (chunks.length - 1) * PICTURES_IN_CHUNK;
  const chunkRuns =
    chunks.length > 1 && inLast < PICTURES_IN_CHUNK
      ? [1, PICTURES_IN_CHUNK, 1, chunks.length, inLast, 1]
      : [1, Math.min(pictures.length, PICTURES_IN_CHUNK), 1];
  return box(
    "stbl",
    fullBox("stsd", 0, 0, u32(1), sampleEntry(film)),
    fullBox("stts", 0, 0, runs(durations)),
    // version 1: an offset may be negative
    ...(offsets.some((offset) => offset !== 0) ? [fullBox("ctts", 1, 0, runs(offsets))] : []),
    fullBox("stss", 0, 0, u32(keys.length, ...keys)),
    fullBox("stsc", 0, 0, u32(chunkRuns.length / 3, ...chunkRuns)),
    fullBox("stsz", 0, 0, u32(0, pictures.length, ...pictures.map(({ data }) => data.length))),
    fullBox("stco", 0, 0, u32(chunks.length, ...chunks.map((offset) => offset + mediaAt))),
  );
}

function movie(film: Film, times: Timing, mediaAt: number): Buffer {
  const { width, height, startedAt } = film;
  const created = u64(Math.floor(startedAt / 1000) + EPOCH_S);
  const zeros = (bytes: number): Buffer => Buffer.alloc(bytes);
  const duration = u64(times.total);
  return box(
    "moov",
    fullBox(
      "mvhd",
      1,
      0,
      created,
      created,
      u32(TIMESCALE),
      duration,
      u32(0x1_0000),
      u16(0x100),
      zeros(10),
      u32(...IDENTITY),
      zeros(24),
      u32(TRACK + 1),
    ),
    box(
      "trak",
      fullBox(
        "tkhd",
        1,
        3,
        created,
        created,
        u32(TRACK, 0),
        duration,
        zeros(16),
        u32(...IDENTITY, width * 0x1_0000, height * 0x1_0000),
      ),
      box(
        "mdia",
        // "und": no language
        fullBox("mdhd", 1, 0, created, created, u32(TIMESCALE), duration, u16(0x55c4, 0)),
        fullBox("hdlr", 0, 0, zeros(4), Buffer.from("vide"), zeros(12), Buffer.from("Video\0")),
        box(
          "minf",
          fullBox("vmhd", 0, 1, zeros(8)),
          box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1))),
          sampleTable(film, times, mediaAt),
        ),
      ),
    ),
  );
}

/**
 * Writes a film as an MP4 file with its index in front, so that a browser plays it while it loads. Pictures keep their times.
 * @see ISO/IEC 14496-12, ISO/IEC 14496-15 5
 */
export function writeMp4(film: Film): Uint8Array<ArrayBuffer> {
  const times = timing(film.pictures);
  const type = box("ftyp", Buffer.from("isom"), u32(0x200), Buffer.from("isomiso4avc1mp41"));
  // the index has the same length wherever the media data begins
  const indexBytes = movie(film, times, 0).length;
  const mediaAt = type.length + indexBytes + 8;
  const mediaBytes = film.pictures.reduce((sum, { data }) => sum + data.length, 0);
  const file = new Uint8Array(mediaAt + mediaBytes);
  file.set(type);
  file.set(movie(film, times, mediaAt), type.length);
  file.set(u32(8 + mediaBytes), mediaAt - 8);
  file.set(Buffer.from("mdat"), mediaAt - 4);
  let at = mediaAt;
  for (const { data } of film.pictures) {
    file.set(data, at);
    at += data.length;
  }
  return file;
}
