import { afterEach, describe, expect, it } from "vitest";
import { chooseStreams } from "#protocols/onvif/video.ts";
import { CREDENTIALS, POLL } from "./onvif-field.ts";
import {
  type Answer,
  observeScripted,
  type ScriptedDevice,
  type ScriptedField,
  scriptedDevice,
} from "./onvif-scripted.ts";

/** A media2 profile. [media.wsdl ver20 MediaProfile] */
const profile2 = (token: string, source: string, codec: string, width: number, height: number): string =>
  `<m2:Profiles token="${token}"><m2:Name>${token}</m2:Name><m2:Configurations><m2:VideoSource token="VSC">` +
  `<sch:SourceToken>${source}</sch:SourceToken></m2:VideoSource><m2:VideoEncoder token="VEC"><sch:Encoding>${codec}</sch:Encoding>` +
  `<sch:Resolution><sch:Width>${width}</sch:Width><sch:Height>${height}</sch:Height></sch:Resolution></m2:VideoEncoder>` +
  "</m2:Configurations></m2:Profiles>";

const profiles2 =
  (...profiles: readonly string[]): Answer =>
  () =>
    `<m2:GetProfilesResponse>${profiles.join("")}</m2:GetProfilesResponse>`;

const uri2 =
  (operation: string, address: string): Answer =>
  () =>
    `<m2:${operation}Response><m2:Uri>${address}</m2:Uri></m2:${operation}Response>`;

describe("streams and pictures of a camera", { timeout: 30_000 }, () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function field(
    services: readonly string[],
    answers: Readonly<Record<string, Answer>>,
  ): Promise<ScriptedField & { readonly device: ScriptedDevice }> {
    const device = await scriptedDevice(services);
    closing.push(() => device.close());
    device.answer(answers);
    const made = await observeScripted(device, { online: { signal: "online" } });
    closing.push(() => made.driver.stop());
    await expect.poll(() => made.latest("online")?.value, POLL).toBe(true);
    return { ...made, device };
  }
  const streams = profiles2(profile2("S", "V1", "H264", 640, 360), profile2("M", "V1", "H265", 3840, 2160));

  it("are told with the codec, so that whoever cannot show H.265 takes the other one", async () => {
    const made = await field(["media", "media2"], {
      GetProfiles: streams,
      GetStreamUri: (body) =>
        `<m2:GetStreamUriResponse><m2:Uri>rtsp://127.0.0.1:8554/${body.textAt("ProfileToken")}?a=1&amp;b=2</m2:Uri></m2:GetStreamUriResponse>`,
    });
    expect(await made.act("streamUri", { quality: "main" })).toEqual({
      status: "done",
      data: {
        uri: "rtsp://127.0.0.1:8554/M?a=1&b=2",
        ...CREDENTIALS,
        quality: "main",
        profile: "M",
        codec: "H265",
        width: 3840,
        height: 2160,
        subCodec: "H264",
      },
    });
    expect(await made.act("streamUri", { quality: "sub" })).toMatchObject({
      status: "done",
      data: { uri: "rtsp://127.0.0.1:8554/S?a=1&b=2", codec: "H264", width: 640 },
    });
    const asked = made.device.received.find(({ name }) => name === "GetStreamUri");
    expect([asked?.namespace, asked?.textAt("Protocol")]).toEqual(["http://www.onvif.org/ver20/media/wsdl", "RTSP"]);
    expect(made.device.received.find(({ name }) => name === "GetProfiles")?.namespace).toContain("ver20");
    expect(await made.act("streamUri", { quality: "best" })).toMatchObject({ code: "ONVIF_PARAM_INVALID" });
  });

  it("come from the older media service where media2 answers with a page for people", async () => {
    const made = await field(["media", "media2"], {
      GetProfiles: ({ namespace }) =>
        namespace.includes("ver20")
          ? "<?xml version='1.0'?><html><body>Internal Server Error</body></html>"
          : '<m1:GetProfilesResponse><m1:Profiles token="old"><sch:VideoSourceConfiguration/><sch:VideoEncoderConfiguration>' +
            "<sch:Encoding>H264</sch:Encoding></sch:VideoEncoderConfiguration></m1:Profiles></m1:GetProfilesResponse>",
      GetStreamUri: (body) =>
        `<m1:GetStreamUriResponse><m1:MediaUri><sch:Uri>rtsp://127.0.0.1/${body.textAt("ProfileToken")}</sch:Uri></m1:MediaUri></m1:GetStreamUriResponse>`,
    });
    expect(await made.act("streamUri")).toMatchObject({ data: { uri: "rtsp://127.0.0.1/old", codec: "H264" } });
    const asked = made.device.received.find(({ name }) => name === "GetStreamUri");
    expect(asked?.textAt("StreamSetup", "Transport", "Protocol")).toBe("RTSP");
  });

  it.each([
    ["behind an address translation", "rtsp://192.168.1.64:8554/main", "rtsp://127.0.0.1:8554/main"],
    ["with a password of its own", "rtsp://admin:12345@127.0.0.1/main", "rtsp://127.0.0.1/main"],
  ])("%s are put on the configured host", async (_what, given, used) => {
    const made = await field(["media2"], { GetProfiles: streams, GetStreamUri: uri2("GetStreamUri", given) });
    expect(await made.act("streamUri")).toMatchObject({ status: "done", data: { uri: used } });
  });

  it.each([
    ["of another host", "rtsp://8.8.8.8/main", "ONVIF_FOREIGN_ADDRESS"],
    ["of a name that looks private", "rtsp://10.evil.example/main", "ONVIF_FOREIGN_ADDRESS"],
    ["that are files", "file:///etc/passwd", "ONVIF_MALFORMED"],
    ["that are pages", "http://127.0.0.1/", "ONVIF_MALFORMED"],
  ])("%s are refused", async (_what, given, code) => {
    const made = await field(["media2"], { GetProfiles: streams, GetStreamUri: uri2("GetStreamUri", given) });
    expect(await made.act("streamUri")).toMatchObject({ status: "failed", code });
    expect(made.driver.counters()["foreignAddresses"]).toBe(code === "ONVIF_FOREIGN_ADDRESS" ? 1 : 0);
  });

  it("are not fetched from another host", async () => {
    const made = await field(["media2"], {
      GetProfiles: streams,
      GetSnapshotUri: uri2("GetSnapshotUri", "http://203.0.113.9/snap.jpg"),
    });
    expect(await made.act("snapshot")).toMatchObject({ status: "failed", code: "ONVIF_FOREIGN_ADDRESS" });
  });

  it("are those of the source that is meant, at a device with several", () => {
    const of = (token: string, source: string, codec: string, width: number) => ({
      token,
      source,
      codec,
      width,
      height: width / 2,
      video: true,
      ptz: false,
    });
    const all = [
      of("a1", "A", "H264", 1920),
      of("b1", "B", "H265", 3840),
      of("b2", "B", "JPEG", 5000),
      of("b3", "B", "H264", 640),
    ];
    expect(chooseStreams(all, "B")).toMatchObject({ main: { token: "b1" }, sub: { token: "b3" } });
    expect(chooseStreams(all, undefined)).toMatchObject({ main: { token: "a1" }, sub: { token: "a1" } });
    expect(chooseStreams(all, "C")).toBeUndefined();
  });
});
