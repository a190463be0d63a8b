import { beforeEach, describe, expect, it } from "vitest";
import { LiveVideo, type VideoSocketEvents } from "#cloud/console/video/live-video.ts";
import { CLOSE_SESSION_ENDED, CLOSE_TOO_SLOW } from "#core/contracts/live.ts";
import type { LiveVideoMessage } from "#core/contracts/video.ts";
import { HubError } from "#core/errors.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { FakePicture, fakeDecoders, H264, JPEG, message, settled } from "./video-fixture.ts";

/** The other end of a connection. */
class Connection {
  closed = false;
  readonly events: VideoSocketEvents;
  constructor(events: VideoSocketEvents) {
    this.events = events;
  }
  say(told: LiveVideoMessage): void {
    this.events.text(JSON.stringify(told));
  }
}

const START = 1_800_000_000_000;
let clock: ManualClock;
let fake: ReturnType<typeof fakeDecoders>;
let connections: Connection[];
let shown: FakePicture[];
let snapshots: (() => Promise<FakePicture>)[];
let asked: number;
let sessionEnds: number;
let video: LiveVideo<FakePicture>;

function make(options: { readonly webCodecs?: boolean } = {}): LiveVideo<FakePicture> {
  return new LiveVideo<FakePicture>({
    clock,
    random: () => 0.5,
    screen: { show: (picture) => shown.push(picture) },
    openSocket(events) {
      const connection = new Connection(events);
      connections.push(connection);
      return {
        close: () => {
          connection.closed = true;
        },
      };
    },
    openDecoder: options.webCodecs === false ? undefined : fake.open,
    decodeJpeg: async () => new FakePicture("jpeg"),
    fetchSnapshot: () => {
      asked++;
      return (snapshots.shift() ?? (async () => new FakePicture("snapshot")))();
    },
    onSessionEnded: () => sessionEnds++,
  });
}

const last = (): Connection => {
  const found = connections.at(-1);
  if (found === undefined) throw new Error("no connection was opened");
  return found;
};
/** Lets time pass second by second, with all that follows from it. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await settled();
  }
}
/** Plays until pictures come. */
function playing(): void {
  video.play();
  last().say({ t: "format", format: H264 });
  last().events.binary(message(clock.now() - 120, { key: true }));
  fake.decoders.at(-1)?.yield();
}

beforeEach(() => {
  clock = new ManualClock(START);
  fake = fakeDecoders();
  connections = [];
  shown = [];
  snapshots = [];
  asked = 0;
  sessionEnds = 0;
  video = make();
});

describe("live video of a camera", () => {
  it("plays what comes and tells how, and how old it is by the gateway's clock", () => {
    video.play();
    expect(video.state.get()).toMatchObject({ phase: "connecting", mode: undefined });
    playing();
    expect(shown.map(({ name }) => name)).toEqual([String(START - 120)]);
    expect(video.state.get()).toMatchObject({ phase: "playing", mode: "h264", latencyMs: 120, reason: undefined });
  });

  it("shows the pictures of a camera that has no video, and says why", async () => {
    video.play();
    last().say({ t: "format", format: JPEG });
    last().events.binary(message(START, { kind: "jpeg", key: true }));
    await settled();
    expect(video.state.get()).toMatchObject({ phase: "playing", mode: "snapshots", reason: "no H.264 stream" });
  });

  it("says that it stalls, and connects anew when nothing comes for long", async () => {
    playing();
    await pass(2);
    expect(video.state.get().phase).toBe("playing");
    await pass(2);
    expect(video.state.get()).toMatchObject({ phase: "stalled", silentMs: 4000 });
    await pass(9);
    expect(connections[0]?.closed).toBe(true);
    await pass(2);
    expect(connections).toHaveLength(2);
  });

  it("connects anew by itself, ever more seldom, and at once as seldom as before after a picture", async () => {
    video.play();
    const gaps: number[] = [];
    for (let cut = 0; cut < 6; cut++) {
      const [before, at] = [connections.length, clock.monotonic()];
      last().events.closed(1006);
      while (connections.length === before) await pass(1);
      gaps.push((clock.monotonic() - at) / 1000);
    }
    expect(gaps).toEqual([1, 2, 4, 8, 15, 15]);
    expect(video.state.get()).toMatchObject({ phase: "waiting", code: "VIDEO_CUT_OFF" });
    expect(asked).toBe(0);
    playing();
    last().say({ t: "format", format: H264 });
    last().events.binary(message(START, { key: true }));
    fake.decoders.at(-1)?.yield();
    const before = connections.length;
    last().events.closed(CLOSE_TOO_SLOW);
    await pass(1);
    expect(connections).toHaveLength(before + 1);
  });

  it("fetches a snapshot each second while the camera gives no video, and stops when it does again", async () => {
    playing();
    last().say({ t: "ended", code: "RTSP_TIMEOUT", message: "silent" });
    expect(connections[0]?.closed).toBe(true);
    await settled();
    expect(video.state.get()).toMatchObject({ phase: "playing", mode: "polled", code: "RTSP_TIMEOUT" });
    await pass(3);
    expect(asked).toBe(4);
    expect(connections).toHaveLength(2);
    last().say({ t: "format", format: H264 });
    last().events.binary(message(clock.now(), { key: true }));
    fake.decoders.at(-1)?.yield();
    await pass(3);
    expect(asked).toBe(4);
    expect(video.state.get()).toMatchObject({ mode: "h264", code: undefined });
  });

  it("goes on saying why there is no video while there is no snapshot either", async () => {
    snapshots = Array.from({ length: 9 }, () => () => Promise.reject(new HubError("SNAPSHOT_FAILED", "no picture")));
    playing();
    last().say({ t: "ended", code: "RTSP_TIMEOUT", message: "silent" });
    await pass(20);
    expect(asked).toBeGreaterThan(1);
    expect(video.state.get()).toMatchObject({ phase: "waiting", code: "RTSP_TIMEOUT", silentMs: 20_000 });
  });

  it("asks for no snapshot of a camera whose gateway is not there", async () => {
    video.play();
    last().say({ t: "ended", code: "VIDEO_GATEWAY_OFFLINE", message: "no line" });
    await pass(3);
    expect(asked).toBe(0);
    expect(video.state.get()).toMatchObject({ phase: "waiting", code: "VIDEO_GATEWAY_OFFLINE" });
  });

  it("asks more seldom for a snapshot that fails, one at a time, and says why", async () => {
    snapshots = Array.from({ length: 3 }, () => () => Promise.reject(new HubError("SNAPSHOT_FAILED", "no picture")));
    video = make({ webCodecs: false });
    video.play();
    await pass(4);
    expect(asked).toBe(1);
    expect(video.state.get()).toMatchObject({ phase: "connecting", code: "SNAPSHOT_FAILED" });
    await pass(12);
    expect(asked).toBe(4);
    expect(video.state.get()).toMatchObject({ phase: "playing", mode: "polled" });
  });

  it("fetches snapshots where the browser cannot decode, without any connection", async () => {
    video = make({ webCodecs: false });
    video.play();
    await pass(2);
    expect(connections).toEqual([]);
    expect(video.state.get()).toMatchObject({ phase: "playing", mode: "polled", code: "VIDEO_NO_WEBCODECS" });
  });

  it("takes snapshots when the browser's decoder fails again and again, and tries the video only now and then", async () => {
    video.play();
    for (let attempt = 0; attempt < 3; attempt++) {
      last().say({ t: "format", format: H264 });
      fake.decoders.at(-1)?.events.failed(new Error("unsupported"));
      await pass(5);
    }
    const before = connections.length;
    expect(video.state.get()).toMatchObject({ mode: "polled", code: "VIDEO_DECODER_FAILED" });
    await pass(30);
    expect(connections).toHaveLength(before);
    await pass(30);
    expect(connections).toHaveLength(before + 1);
  });

  it.each([
    [4403, "FORBIDDEN"],
    [4404, "NOT_FOUND"],
  ])("does not try again when it was closed with %i", async (code, why) => {
    video.play();
    last().events.closed(code);
    await pass(60);
    expect(connections).toHaveLength(1);
    expect(video.state.get()).toMatchObject({ phase: "refused", code: why });
  });

  it("tells that the session has ended", () => {
    video.play();
    last().events.closed(CLOSE_SESSION_ENDED);
    expect(sessionEnds).toBe(1);
  });

  it("closes what is no message of ours, and what carries no picture", async () => {
    video.play();
    last().events.text("{");
    expect(video.state.get().code).toBe("VIDEO_FRAME_MALFORMED");
    await pass(2);
    last().events.binary(Uint8Array.of(1, 2, 3));
    expect(connections.map(({ closed }) => closed)).toEqual([true, true]);
  });
});

describe("a page that is left", () => {
  it("holds nothing while it is not seen, and goes on when it is", async () => {
    playing();
    video.pause();
    expect(connections[0]?.closed).toBe(true);
    expect(fake.decoders.every(({ closed }) => closed)).toBe(true);
    expect(video.state.get().phase).toBe("paused");
    await pass(30);
    expect(connections).toHaveLength(1);
    video.play();
    expect(connections).toHaveLength(2);
  });

  it("leaves no timer, no connection, no decoder and no open picture behind", async () => {
    playing();
    fake.decoders.at(-1)?.decode(Uint8Array.of(1), false, START);
    last().say({ t: "ended", code: "RTSP_TIMEOUT", message: "" });
    video.close();
    fake.decoders.at(-1)?.yield();
    await pass(5);
    expect(clock.pending).toBe(0);
    expect(connections.every(({ closed }) => closed)).toBe(true);
    const open = fake.pictures.filter(({ closed }) => closed === 0);
    // What was shown belongs to the screen.
    expect(open.every((picture) => shown.includes(picture))).toBe(true);
    expect(asked).toBe(1);
  });

  it("closes a snapshot that arrives after the end", async () => {
    let arrive = (_picture: FakePicture): void => undefined;
    snapshots = [() => new Promise((resolve) => (arrive = resolve))];
    video = make({ webCodecs: false });
    video.play();
    video.close();
    const late = new FakePicture("late");
    arrive(late);
    await settled();
    expect(late.closed).toBe(1);
    expect(shown).toEqual([]);
  });
});
