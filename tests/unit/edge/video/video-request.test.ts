import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { VideoRequest } from "#core/contracts/video.ts";
import { readVideoRequest } from "#edge/video/video-request.ts";

const play = { t: "play", stream: 1, camera: "demo/gw-1/camera-1", quality: "sub" };

describe("a request for video", () => {
  it("is taken as the contract has it, and what a newer cloud adds is ignored", () => {
    expect(readVideoRequest(JSON.stringify(play))).toEqual(play);
    expect(readVideoRequest(JSON.stringify({ ...play, more: 1 }))).toEqual(play);
    expect(readVideoRequest('{"t":"stop","stream":4294967295}')).toEqual({ t: "stop", stream: 4_294_967_295 });
  });

  it("is taken exactly where the contract's schema takes it", () => {
    const stream = fc.oneof(fc.integer({ min: -1, max: 5 }), fc.constantFrom(0.5, "1", null, 2 ** 32, 2 ** 32 - 1));
    const requests = fc.record(
      {
        t: fc.constantFrom("play", "stop", "pause", 1),
        stream,
        camera: fc.oneof(fc.string(), fc.constant(7)),
        quality: fc.constantFrom("main", "sub", "best", null),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(requests, fc.jsonValue()), (value) => {
        expect(readVideoRequest(JSON.stringify(value)) !== undefined).toBe(Value.Check(VideoRequest, value));
      }),
      { numRuns: 2_000 },
    );
    expect(readVideoRequest("{")).toBeUndefined();
  });
});
