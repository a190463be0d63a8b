import type { ActionRequest, ActionResult } from "../driver.ts";
import type { MediaProfile } from "./codec/services.ts";
import type { OnvifDevice } from "./config.ts";
import type { DeviceServices } from "./device-client.ts";
import type { Media, MediaClient } from "./media-client.ts";
import { rejected } from "./results.ts";

/** A sub-stream wider than this is no relief. */
const SUB_WIDTH = 1280;

/** Streams of one source: the largest picture, and a small one that a browser can show where there is one. */
export interface Streams {
  readonly main: MediaProfile;
  /** The same as `main` where the source has one stream only. */
  readonly sub: MediaProfile;
}

const pixels = ({ width = 0, height = 0 }: MediaProfile): number => width * height;

/** Chooses among the profiles of a source; undefined where none carries video. */
export function chooseStreams(profiles: readonly MediaProfile[], source: string | undefined): Streams | undefined {
  const video = profiles.filter((profile) => profile.video);
  const wanted = source ?? video[0]?.source;
  const ofSource = video.filter((profile) => profile.source === wanted);
  const moving = ofSource.filter(({ codec }) => codec === undefined || codec === "H264" || codec === "H265");
  const own = moving.length > 0 ? moving : ofSource;
  const [main, ...others] = own.toSorted((a, b) => pixels(b) - pixels(a));
  if (main === undefined) return undefined;
  const shown = others.filter((profile) => profile.codec === "H264");
  const small = shown.find((profile) => (profile.width ?? 0) <= SUB_WIDTH);
  return { main, sub: small ?? shown.at(-1) ?? others.at(-1) ?? main };
}

/** Pictures and streams of one camera. */
export class Video {
  readonly #client: MediaClient;
  readonly #connection: OnvifDevice;
  readonly #device: string;
  #media: Media | undefined;
  #streams: Streams | undefined;

  constructor(client: MediaClient, connection: OnvifDevice, device: string) {
    this.#client = client;
    this.#connection = connection;
    this.#device = device;
  }

  get profiles(): readonly MediaProfile[] {
    return this.#media?.profiles ?? [];
  }

  /** Token of the video source in use. */
  get source(): string | undefined {
    return this.#streams?.main.source;
  }

  /** Learns the profiles. @throws as MediaClient */
  async connect(services: DeviceServices, signal: AbortSignal): Promise<void> {
    this.#media = await this.#client.connect(services, signal);
    this.#streams = chooseStreams(this.profiles, this.#connection.videoSource);
  }

  /** A JPEG of now. @throws as MediaClient */
  async snapshot(signal: AbortSignal): Promise<ActionResult> {
    if (this.#media === undefined || this.#streams === undefined) return this.#noVideo();
    const bytes = await this.#client.snapshot(this.#media, this.#streams.main.token, signal);
    return { status: "done", blob: { contentType: "image/jpeg", bytes } };
  }

  /** Address, sign-in and format of a stream; stays inside the gateway. @throws as MediaClient */
  async streamUri(params: ActionRequest["params"], signal: AbortSignal): Promise<ActionResult> {
    const quality = params["quality"] ?? "main";
    if (quality !== "main" && quality !== "sub")
      return rejected("ONVIF_PARAM_INVALID", `streamUri expected quality main or sub, got "${String(quality)}"`);
    if (this.#media === undefined || this.#streams === undefined) return this.#noVideo();
    const profile = this.#streams[quality];
    const uri = await this.#client.streamUri(this.#media, profile.token, signal);
    const { codec, width, height } = profile;
    const subCodec = this.#streams.sub.codec;
    const { username, password } = this.#connection;
    return {
      status: "done",
      data: {
        uri: uri.href,
        username,
        password,
        quality,
        profile: profile.token,
        ...(codec === undefined ? {} : { codec }),
        ...(width === undefined ? {} : { width }),
        ...(height === undefined ? {} : { height }),
        // Whoever cannot show H.265 sees here whether the other stream helps.
        ...(subCodec === undefined ? {} : { subCodec }),
      },
    };
  }

  #noVideo(): ActionResult {
    return rejected("ONVIF_NO_VIDEO", `${this.#device} has no video`);
  }
}
