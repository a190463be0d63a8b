import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { SimulatedCamera } from "#simulators/devices/camera.ts";
import { type CameraServer, serveCamera } from "#simulators/servers/onvif.ts";
import { CREDENTIALS, dome } from "./onvif-field.ts";
import { bodyOf, childNames, faultOf, soap, subscribe } from "./onvif-simulator-client.ts";

const NOON = Date.UTC(2026, 10, 20, 4, 0, 0);
const MAIN = "<tptz:ProfileToken>profile_main</tptz:ProfileToken>";
const SOURCE = "<timg:VideoSourceToken>VS_1</timg:VideoSourceToken>";

const relayState = (state: string, token = "RO_1"): string =>
  `<tds:SetRelayOutputState><tds:RelayOutputToken>${token}</tds:RelayOutputToken><tds:LogicalState>${state}</tds:LogicalState></tds:SetRelayOutputState>`;
const ptz = (operation: string, more = ""): string => `<tptz:${operation}>${MAIN}${more}</tptz:${operation}>`;

describe("the simulated camera on the wire", () => {
  let camera: SimulatedCamera;
  let server: CameraServer;

  beforeEach(async () => {
    camera = dome();
    server = await serveCamera(camera, { ...CREDENTIALS, rtspPort: 8554 }, silentLogger);
  });
  afterEach(() => server.close());

  it("gives profiles, streams and snapshots by Media2, configurations only where they are asked for", async () => {
    const bare = await bodyOf(soap(server, "<tr2:GetProfiles/>"));
    expect(bare.all("Profiles").map(childNames)).toEqual([["Name"], ["Name"]]);
    const all = await bodyOf(soap(server, "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>"));
    const [main, sub] = all.all("Profiles").map((profile) => profile.child("Configurations"));
    expect(childNames(main)).toEqual(["VideoSource", "VideoEncoder", "PTZ"]);
    expect(childNames(main?.child("VideoEncoder"))).toEqual([
      "Name",
      "UseCount",
      "Encoding",
      "Resolution",
      "RateControl",
      "Quality",
    ]);
    expect(main?.textAt("VideoEncoder", "Resolution", "Width")).toBe("640");
    expect(sub?.textAt("VideoEncoder", "Resolution", "Width")).toBe("320");
    const stream = (protocol: string): string =>
      `<tr2:GetStreamUri><tr2:Protocol>${protocol}</tr2:Protocol><tr2:ProfileToken>profile_sub</tr2:ProfileToken></tr2:GetStreamUri>`;
    expect((await bodyOf(soap(server, stream("RTSP")))).textAt("Uri")).toBe("rtsp://127.0.0.1:8554/camera-1/sub");
    expect(await faultOf(soap(server, stream("carrier-pigeon")))).toEqual([
      400,
      "Sender",
      "InvalidArgVal",
      "InvalidStreamSetup",
    ]);
    const snapshot = "<tr2:GetSnapshotUri><tr2:ProfileToken>profile_main</tr2:ProfileToken></tr2:GetSnapshotUri>";
    expect((await bodyOf(soap(server, snapshot))).textAt("Uri")).toBe(
      `http://127.0.0.1:${server.address.port}/onvif/snapshot/profile_main.jpg`,
    );
  });

  it("tells an H.265 main stream by Media2 alone, for the older service knows no such codec", async () => {
    server.faults.set("h265-main");
    const encoders = await bodyOf(soap(server, "<tr2:GetVideoEncoderConfigurations/>"));
    expect(encoders.all("Configurations").map((each) => each.textAt("Encoding"))).toEqual(["H265", "H264"]);
    const old = await bodyOf(soap(server, "<trt:GetProfiles/>"));
    expect(old.all("Profiles").map(({ attributes }) => attributes.get("token"))).toEqual(["profile_sub"]);
    const gone = "<trt:GetStreamUri><trt:ProfileToken>profile_main</trt:ProfileToken></trt:GetStreamUri>";
    expect(await faultOf(soap(server, gone))).toEqual([400, "Sender", "InvalidArgVal", "NoProfile"]);
  });

  it("switches its relay, tells it, and lets a monostable one return by itself", async () => {
    const events = await subscribe(server, "tns1:Device/Trigger//.");
    expect(await events.pull()).toEqual([
      "tns1:Device/Trigger/DigitalInput {InputToken=DI_1 LogicalState=false} Initialized",
      "tns1:Device/Trigger/Relay {RelayToken=RO_1 LogicalState=inactive} Initialized",
    ]);
    await bodyOf(soap(server, relayState("active")));
    camera.step(60, NOON);
    expect(camera.read("relay")).toBe(true);
    await bodyOf(soap(server, relayState("inactive")));
    const settings =
      "<tt:Mode>Monostable</tt:Mode><tt:DelayTime>PT1.5S</tt:DelayTime><tt:IdleState>open</tt:IdleState>";
    await bodyOf(
      soap(
        server,
        `<tds:SetRelayOutputSettings><tds:RelayOutputToken>RO_1</tds:RelayOutputToken><tds:Properties>${settings}</tds:Properties></tds:SetRelayOutputSettings>`,
      ),
    );
    const told = (await bodyOf(soap(server, "<tds:GetRelayOutputs/>"))).at("RelayOutputs", "Properties");
    expect(told?.children.map(({ text }) => text)).toEqual(["Monostable", "PT1.5S", "open"]);
    await bodyOf(soap(server, relayState("active")));
    camera.step(1.4, NOON);
    expect(camera.read("relay")).toBe(true);
    camera.step(0.2, NOON);
    expect(camera.read("relay")).toBe(false);
    const relay = (state: string): string =>
      `tns1:Device/Trigger/Relay {RelayToken=RO_1 LogicalState=${state}} Changed`;
    expect(await events.pull()).toEqual([relay("active"), relay("inactive"), relay("active"), relay("inactive")]);
    expect(await faultOf(soap(server, relayState("active", "RO_9")))).toEqual([
      400,
      "Sender",
      "InvalidArgVal",
      "RelayToken",
    ]);
  });

  it("has one digital input and tells its options by DeviceIO", async () => {
    const inputs = await bodyOf(soap(server, "<tmd:GetDigitalInputs/>"));
    expect(inputs.child("DigitalInputs")?.attributes.get("token")).toBe("DI_1");
    const options = (await bodyOf(soap(server, "<tmd:GetRelayOutputOptions/>"))).child("RelayOutputOptions");
    expect(options?.children.map(({ text }) => text)).toEqual(["Bistable", "Monostable", "0.1 120", "false"]);
  });

  it("takes all of an imaging request or nothing", async () => {
    const set = (settings: string): string =>
      `<timg:SetImagingSettings>${SOURCE}<timg:ImagingSettings>${settings}</timg:ImagingSettings></timg:SetImagingSettings>`;
    await bodyOf(soap(server, set("<tt:Brightness>70</tt:Brightness><tt:IrCutFilter>OFF</tt:IrCutFilter>")));
    const refused = set("<tt:Brightness>10</tt:Brightness><tt:IrCutFilter>SOMETIMES</tt:IrCutFilter>");
    expect(await faultOf(soap(server, refused))).toEqual([400, "Sender", "InvalidArgVal", "SettingsInvalid"]);
    const settings = await bodyOf(soap(server, `<timg:GetImagingSettings>${SOURCE}</timg:GetImagingSettings>`));
    expect(settings.child("ImagingSettings")?.children.map(({ name, text }) => `${name} ${text}`)).toEqual([
      "Brightness 70",
      "ColorSaturation 50",
      "Contrast 50",
      "Focus ",
      "IrCutFilter OFF",
      "Sharpness 50",
    ]);
  });

  it("moves by an amount, for a time, and home", async () => {
    const at = (): readonly unknown[] => ["pan", "tilt", "zoom"].map((axis) => camera.read(axis));
    await bodyOf(
      soap(server, ptz("RelativeMove", '<tptz:Translation><tt:PanTilt x="0.25" y="-0.1"/></tptz:Translation>')),
    );
    camera.step(5, NOON);
    expect(at()).toEqual([45, -9, 1]);
    await bodyOf(soap(server, ptz("SetHomePosition")));
    const velocity = '<tptz:Velocity><tt:PanTilt x="0.5" y="0"/></tptz:Velocity><tptz:Timeout>PT0.5S</tptz:Timeout>';
    await bodyOf(soap(server, ptz("ContinuousMove", velocity)));
    camera.step(5, NOON);
    expect([at(), camera.read("moving")]).toEqual([[75, -9, 1], false]);
    await bodyOf(soap(server, ptz("GotoHomePosition")));
    camera.step(5, NOON);
    expect(at()).toEqual([45, -9, 1]);
  });

  it("keeps, overwrites and forgets presets", async () => {
    camera.moveTo({ pan: 90 });
    camera.step(5, NOON);
    const made = await bodyOf(soap(server, ptz("SetPreset", "<tptz:PresetName>门口</tptz:PresetName>")));
    expect(made.textAt("PresetToken")).toBe("1");
    expect(camera.read("preset")).toBe("1");
    expect(camera.presets.find(({ token }) => token === "1")).toMatchObject({ name: "门口", pan: 90 });
    await bodyOf(soap(server, ptz("SetPreset", "<tptz:PresetToken>007</tptz:PresetToken>")));
    expect(camera.presets.find(({ token }) => token === "007")).toMatchObject({ name: "Home", pan: 90 });
    await bodyOf(soap(server, ptz("RemovePreset", "<tptz:PresetToken>1</tptz:PresetToken>")));
    expect(camera.presets.map(({ token }) => token)).toEqual(["gate-3", "007"]);
    const gone = ptz("RemovePreset", "<tptz:PresetToken>1</tptz:PresetToken>");
    expect(await faultOf(soap(server, gone))).toEqual([400, "Sender", "InvalidArgVal", "NoToken"]);
  });

  it("tells its detectors, its hardware and what it recognises in the words of the specifications", async () => {
    const events = await subscribe(server);
    await events.pull();
    for (const signal of ["cell-motion", "video-loss", "fan-failure", "temperature-critical"])
      camera.write(signal, true);
    camera.write("object-class", "Person");
    camera.write("line-crossed", true);
    const rule = "VideoSourceConfigurationToken=VSC_1 VideoAnalyticsConfigurationToken=VAC_1 Rule";
    expect(await events.pull()).toEqual([
      `tns1:RuleEngine/CellMotionDetector/Motion {${rule}=cells-1 IsMotion=true} Changed`,
      "tns1:VideoSource/SignalLoss {Source=VS_1 State=true} Changed",
      "tns1:Device/HardwareFailure/FanFailure {Token=Fan_1 Failed=true} Changed",
      "tns1:Device/HardwareFailure/TemperatureCritical {Critical=true} Changed",
      `tns1:RuleEngine/ObjectDetection/Object {${rule}=objects-1 ClassTypes=Person} instant`,
      `tns1:RuleEngine/LineDetector/Crossed {${rule}=line-1 ObjectId=2} instant`,
    ]);
    camera.write("licence-plate", "沪A·1<2>345");
    const pulled = await bodyOf(events.ask("<tev:PullMessages><tev:Timeout>PT1S</tev:Timeout></tev:PullMessages>"));
    const plate = pulled.at("NotificationMessage", "Message", "Message", "Data", "ElementItem");
    expect(plate?.textAt("LicensePlateInfo", "PlateNumber")).toBe("沪A·1<2>345");
  });

  it("shows the relay's and the detectors' signals for their time", () => {
    camera.write("object-class", "Vehicle");
    camera.step(1, NOON);
    expect(camera.read("object-class")).toBe("Vehicle");
    camera.step(1.1, NOON);
    expect(camera.read("object-class")).toBe("");
  });

  it("gives no more pull points than it has room for", async () => {
    for (let i = 0; i < 32; i++) await subscribe(server);
    expect(await faultOf(soap(server, "<tev:CreatePullPointSubscription/>"))).toEqual([
      500,
      "Receiver",
      "Action",
      "MaxPullPoints",
    ]);
  });
});
