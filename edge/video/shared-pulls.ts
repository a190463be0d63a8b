import type { VideoFormat } from "#core/contracts/video.ts";
import type { KeptPicture, Picture, PictureSink, VideoFailure } from "./picture.ts";

/** A stream whose pictures others may have. */
export interface Lender {
  add(
    borrower: PictureSink & { readonly takesSnapshots: boolean; readonly keepsPictures: boolean },
    how: { readonly replay: boolean },
  ): () => void;
}

/** Which addresses of one camera are pulled at present, as one of its streams sees it. */
export interface SharedPulls {
  /** The other stream that pulls this address; undefined where none does. */
  lender(uri: string): Lender | undefined;
  /** This stream pulls it from now on, until the returned function is called. */
  claim(uri: string): () => void;
}

/** The pulls of one camera: cameras with one stream, or one that a browser shows, are asked for it once whatever is wanted. */
export class CameraPulls {
  readonly #byUri = new Map<string, Lender>();

  /** As the stream that `own` gives sees them. */
  seenBy(own: () => Lender): SharedPulls {
    return {
      lender: (uri) => {
        const found = this.#byUri.get(uri);
        return found === own() ? undefined : found;
      },
      claim: (uri) => {
        const lender = own();
        this.#byUri.set(uri, lender);
        return () => {
          if (this.#byUri.get(uri) === lender) this.#byUri.delete(uri);
        };
      },
    };
  }
}

export interface BorrowedSourceOptions {
  readonly lender: Lender;
  readonly takesSnapshots: () => boolean;
  readonly onFormat: (format: VideoFormat) => void;
  readonly onPicture: (picture: Picture) => void;
  /** It is over, once; not after `stop`. */
  readonly onEnd: (failure: VideoFailure) => void;
}

/** The pictures of a stream that another one pulls. */
export class BorrowedSource {
  readonly #options: BorrowedSourceOptions;
  #leave: (() => void) | undefined;
  #ended = false;

  constructor(options: BorrowedSourceOptions) {
    this.#options = options;
  }

  start(): void {
    const { lender, takesSnapshots, onFormat, onPicture, onEnd } = this.#options;
    const leave = lender.add(
      {
        get takesSnapshots() {
          return takesSnapshots();
        },
        keepsPictures: false,
        onFormat: (format) => {
          if (!this.#ended) onFormat(format);
        },
        onPicture: ({ key, gap, kind, at, timeBase, data }: KeptPicture) => {
          // a copy: each stream takes the memory of its own pictures back
          if (!this.#ended) onPicture({ key, gap, kind, at, timeBase, data: data.slice() });
        },
        onFailure: (failure) => {
          if (this.#ended) return;
          this.stop();
          onEnd(failure);
        },
      },
      { replay: true },
    );
    // it may have ended while it was added
    if (this.#ended) leave();
    else this.#leave = leave;
  }

  stop(): void {
    this.#ended = true;
    this.#leave?.();
    this.#leave = undefined;
  }
}
