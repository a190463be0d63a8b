import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RtspError } from "#edge/video/rtsp-message.ts";
import { controlUri, readSdp } from "#edge/video/sdp.ts";

/** As cameras of the field describe themselves: application data and audio beside the video, attributes in any order. */
const DESCRIPTION = [
  "v=0",
  "o=- 1700000000 1 IN IP4 192.0.2.4",
  "s=Media Presentation",
  "a=control:*",
  "a=range:npt=now-",
  "t=0 0",
  "m=audio 0 RTP/AVP 8",
  "a=rtpmap:8 PCMA/8000",
  "a=control:trackID=2",
  "m=video 0 RTP/AVP 96",
  "b=AS:5000",
  "a=control:trackID=1?profile=1",
  "a=framerate:25.000000",
  "a=rtpmap:96 H264/90000",
  "a=fmtp:96 profile-level-id=64001f; packetization-mode=1; sprop-parameter-sets=Z2QAH6zZQFAFuwEQAAADABAAAAMDIPGDGWA=,aOvjyyLA",
  "m=application 0 RTP/AVP 107",
  "a=rtpmap:107 vnd.onvif.metadata/90000",
  "",
].join("\r\n");

describe("a session description", () => {
  it("tells the video, its parameter sets and how to ask for it", () => {
    const { media, offered } = readSdp(DESCRIPTION);
    expect(offered).toEqual(["H264"]);
    expect(media).toHaveLength(1);
    expect(media[0]).toMatchObject({
      codec: "H264",
      payloadType: 96,
      clockRate: 90_000,
      control: "trackID=1?profile=1",
    });
    expect(media[0]?.parameterSets.map((nal) => nal.toString("hex"))).toEqual([
      "6764001facd9405005bb011000000300100000030320f1831960",
      "68ebe3cb22c0",
    ]);
  });

  it("tells H.265 by either name, with its three parameter sets, and JPEG by its static type", () => {
    const h265 =
      "v=0\nm=video 0 RTP/AVP 98\na=rtpmap:98 HEVC/90000\na=fmtp:98 sprop-vps=QAEM;sprop-sps=QgEB;sprop-pps=RAHA\n";
    expect(readSdp(h265).media[0]).toMatchObject({ codec: "H265", control: "*" });
    expect(readSdp(h265).media[0]?.parameterSets).toHaveLength(3);
    expect(readSdp("m=video 0 RTP/AVP 26\n")).toEqual({ offered: ["JPEG"], media: [] });
  });

  it("without video is refused", () => {
    expect(() => readSdp("v=0\r\nm=audio 0 RTP/AVP 0\r\n")).toThrow(RtspError);
    expect(() => readSdp("")).toThrow(RtspError);
    expect(() => readSdp("a=b\n".repeat(2_000))).toThrow(RtspError);
  });

  it("throws nothing but its own errors, whatever it says", () => {
    const lines = fc.constantFrom(
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264/90000",
      "a=fmtp:96 sprop-parameter-sets=,,=",
      "a=control:",
      "a=rtpmap:96 H264/0",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(lines, fc.string({ maxLength: 60 })), { maxLength: 30 }), (text) => {
        try {
          for (const { clockRate } of readSdp(text.join("\r\n")).media) expect(clockRate).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(RtspError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("names its media absolutely, relatively or not at all", () => {
    expect(controlUri("rtsp://a/b/", "track1")).toBe("rtsp://a/b/track1");
    expect(controlUri("rtsp://a/b", "track1")).toBe("rtsp://a/b/track1");
    expect(controlUri("rtsp://a/b", "*")).toBe("rtsp://a/b");
    expect(controlUri("rtsp://a/b", "rtsp://a/c/1")).toBe("rtsp://a/c/1");
  });
});
