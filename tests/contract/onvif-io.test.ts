import { Value as Schema } from "typebox/value";
import { afterEach, describe, expect, it } from "vitest";
import { Discovery } from "#core/contracts/discovery.ts";
import type { OnvifAddress } from "#protocols/onvif/config.ts";
import { POLL } from "./onvif-field.ts";
import {
  type Answer,
  documentOf,
  fault,
  item,
  notification,
  observeScripted,
  type ScriptedDevice,
  type ScriptedField,
  scriptedDevice,
} from "./onvif-scripted.ts";

const RELAYS: Answer = () =>
  '<dev:GetRelayOutputsResponse><dev:RelayOutputs token="R1"><sch:Properties><sch:Mode>Bistable</sch:Mode>' +
  "<sch:DelayTime>PT0S</sch:DelayTime><sch:IdleState>open</sch:IdleState></sch:Properties></dev:RelayOutputs></dev:GetRelayOutputsResponse>";

const PROFILES: Answer = () =>
  '<m1:GetProfilesResponse><m1:Profiles token="P"><sch:VideoSourceConfiguration><sch:SourceToken>V1</sch:SourceToken>' +
  "</sch:VideoSourceConfiguration><sch:VideoEncoderConfiguration/></m1:Profiles></m1:GetProfilesResponse>";

const contact = (what: "Relay" | "DigitalInput", token: string, state: string, operation: "Initialized" | "Changed") =>
  notification({
    topic: `Device/Trigger/${what}`,
    source: item(what === "Relay" ? "RelayToken" : "InputToken", token),
    data: item("LogicalState", state),
    operation,
  });

describe("relays, inputs and picture settings of a device", { timeout: 30_000 }, () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function field(
    services: readonly string[],
    points: Readonly<Record<string, OnvifAddress>>,
    answers: Readonly<Record<string, Answer>>,
  ): Promise<ScriptedField & { readonly device: ScriptedDevice }> {
    const device = await scriptedDevice(services);
    closing.push(() => device.close());
    device.answer(answers);
    const made = await observeScripted(device, { online: { signal: "online" }, ...points });
    closing.push(() => made.driver.stop());
    await expect.poll(() => made.latest("online")?.value, POLL).toBe(true);
    return { ...made, device };
  }

  /** A device with one relay that tells its events. */
  async function relay(token?: string) {
    const held: { state: string; device?: ScriptedDevice } = { state: "inactive" };
    const address: OnvifAddress = { signal: "relay", ...(token === undefined ? {} : { token }) };
    const made = await field(
      ["events", "deviceio"],
      { relay: address },
      {
        GetRelayOutputs: RELAYS,
        SetSynchronizationPoint: () => {
          held.device?.tell(contact("Relay", "R1", held.state, "Initialized"));
          return "<evt:SetSynchronizationPointResponse/>";
        },
        SetRelayOutputState: (body) => {
          const wanted = body.textAt("LogicalState") ?? "";
          if (wanted !== held.state) held.device?.tell(contact("Relay", "R1", wanted, "Changed"));
          held.state = wanted;
          return "<dev:SetRelayOutputStateResponse/>";
        },
      },
    );
    held.device = made.device;
    made.device.tell(contact("Relay", "R1", held.state, "Initialized"));
    await expect.poll(() => made.latest("relay"), POLL).toMatchObject({ value: false, quality: "good" });
    return { ...made, held };
  }

  it("switch, and read back what their events show", async () => {
    const made = await relay("R1");
    expect(await made.write("relay", true)).toEqual({ status: "done", readBack: true });
    expect(made.latest("relay")).toMatchObject({ value: true, quality: "good" });
    const sent = made.device.received.find(({ name }) => name === "SetRelayOutputState");
    expect(sent?.namespace).toBe("http://www.onvif.org/ver10/device/wsdl");
    expect([sent?.textAt("RelayOutputToken"), sent?.textAt("LogicalState")]).toEqual(["R1", "active"]);
    expect(await made.write("relay", 0)).toEqual({ status: "done", readBack: false });
  });

  it("that stand there already are asked to repeat themselves", async () => {
    const made = await relay("R1");
    made.device.reset();
    expect(await made.write("relay", false)).toEqual({ status: "done", readBack: false });
    expect(made.device.asked()).toContain("SetSynchronizationPoint");
  });

  it("need no token where there is one only", async () => {
    const made = await relay();
    expect(await made.write("relay", true)).toEqual({ status: "done", readBack: true });
    made.device.answer({ GetRelayOutputs: () => "<dev:GetRelayOutputsResponse/>" });
    expect(await made.write("relay", true)).toMatchObject({ status: "rejected", code: "ONVIF_RELAY_UNKNOWN" });
  });

  it("are not done when they do not show it", async () => {
    const made = await relay("R1");
    made.device.answer({ SetRelayOutputState: () => "<dev:SetRelayOutputStateResponse/>" });
    expect(await made.write("relay", true)).toMatchObject({ status: "failed", code: "ONVIF_RELAY_UNCONFIRMED" });
    expect(made.driver.counters()["unconfirmed"]).toBe(1);
    made.device.answer({ SetRelayOutputState: () => fault("InvalidArgVal") });
    expect(await made.write("relay", true)).toMatchObject({ status: "failed", code: "ONVIF_FAULT" });
    expect(await made.write("relay", "on")).toMatchObject({ status: "rejected", code: "ONVIF_VALUE_INVALID" });
    expect(await made.write("online", true)).toMatchObject({ status: "rejected", code: "ONVIF_POINT_READ_ONLY" });
  });

  it("of the device service serve where there is no device IO service", async () => {
    const made = await field([], { relay: { signal: "relay", token: "R1" } }, { GetRelayOutputs: RELAYS });
    made.device.answer({ SetRelayOutputState: () => "<dev:SetRelayOutputStateResponse/>" });
    // Nothing tells what it did, so that it is not known.
    expect(await made.write("relay", true)).toMatchObject({ code: "ONVIF_RELAY_UNCONFIRMED" });
  });

  it("tell inputs one by one", async () => {
    const made = await field(
      ["events"],
      {
        first: { signal: "digitalInput", token: "IN-01" },
        second: { signal: "digitalInput", token: "IN-1" },
      },
      {},
    );
    made.device.tell(
      contact("DigitalInput", "IN-01", "true", "Changed"),
      contact("DigitalInput", "IN-1", "false", "Initialized"),
    );
    await expect.poll(() => made.latest("second")?.quality, POLL).toBe("good");
    expect([made.latest("first")?.value, made.latest("second")?.value]).toEqual([true, false]);
    expect(made.events("digitalInput")).toMatchObject([{ state: true, data: { InputToken: "IN-01" } }]);
  });

  it("show brightness, filter and focus, and take what is written", async () => {
    const held = { Brightness: "50", IrCutFilter: "AUTO", AutoFocusMode: "AUTO" };
    const made = await field(
      ["media", "imaging"],
      { brightness: { signal: "brightness" }, filter: { signal: "irCutFilter" }, focus: { signal: "autoFocus" } },
      {
        GetProfiles: PROFILES,
        GetImagingSettings: () =>
          `<img:GetImagingSettingsResponse><img:ImagingSettings><sch:Brightness>${held.Brightness}</sch:Brightness>` +
          `<sch:Focus><sch:AutoFocusMode>${held.AutoFocusMode}</sch:AutoFocusMode></sch:Focus>` +
          `<sch:IrCutFilter>${held.IrCutFilter}</sch:IrCutFilter></img:ImagingSettings></img:GetImagingSettingsResponse>`,
        SetImagingSettings: (body) => {
          const settings = body.child("ImagingSettings");
          held.Brightness = settings?.textAt("Brightness") ?? held.Brightness;
          held.IrCutFilter = settings?.textAt("IrCutFilter") ?? held.IrCutFilter;
          held.AutoFocusMode = settings?.textAt("Focus", "AutoFocusMode") ?? held.AutoFocusMode;
          return "<img:SetImagingSettingsResponse/>";
        },
      },
    );
    expect([made.latest("brightness")?.value, made.latest("filter")?.value, made.latest("focus")?.value]).toEqual([
      50,
      2,
      true,
    ]);
    expect(await made.write("brightness", 61.5)).toEqual({ status: "done", readBack: 61.5 });
    expect(await made.write("filter", 1)).toEqual({ status: "done", readBack: 1 });
    expect(await made.write("focus", false)).toEqual({ status: "done", readBack: false });
    expect(held).toEqual({ Brightness: "61.5", IrCutFilter: "OFF", AutoFocusMode: "MANUAL" });
    expect(await made.write("filter", 3)).toMatchObject({ status: "rejected", code: "ONVIF_VALUE_INVALID" });
    made.device.answer({ SetImagingSettings: () => "<img:SetImagingSettingsResponse/>" });
    expect(await made.write("brightness", 10)).toMatchObject({ status: "failed", code: "ONVIF_IMAGING_UNCONFIRMED" });
  });

  it("are offered as points in the shape of the site's files", async () => {
    const made = await field(
      ["events", "media", "imaging", "deviceio"],
      {},
      {
        GetProfiles: PROFILES,
        GetRelayOutputs: RELAYS,
        GetDigitalInputs: () =>
          '<io:GetDigitalInputsResponse><io:DigitalInputs token="IN 1"/><io:DigitalInputs token="IN/1"/></io:GetDigitalInputsResponse>',
      },
    );
    const discovery = documentOf(await made.act("discover")) as Discovery;
    expect(Schema.Check(Discovery, discovery)).toBe(true);
    const of = (signal: string) =>
      discovery.points
        .filter((point) => (point.address as OnvifAddress).signal === signal)
        .map((point) => [point.id, (point.address as OnvifAddress).token, point.writable]);
    expect(of("relay")).toEqual([["R1-relay", "R1", true]]);
    expect(of("digitalInput")).toEqual([
      ["IN-1-digital-input", "IN 1", false],
      ["IN-1-digital-input-2", "IN/1", false],
    ]);
    expect(of("irCutFilter")).toEqual([["ir-cut-filter", undefined, true]]);
    expect(of("pan")).toEqual([]);
  });
});

describe("events of analytics", { timeout: 30_000 }, () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function listening() {
    const device = await scriptedDevice(["events"]);
    closing.push(() => device.close());
    const made = await observeScripted(device, { object: { signal: "objectDetected" }, loss: { signal: "videoLoss" } });
    closing.push(() => made.driver.stop());
    await expect.poll(() => made.latest("object")?.quality, POLL).toBe("good");
    return { ...made, device };
  }
  const source = item("VideoSource", "V1") + item("Rule", "gate");

  it("tell a licence plate out of its structure, as text", async () => {
    const made = await listening();
    made.device.tell(
      notification({
        topic: "RuleEngine/Recognition/LicensePlate",
        source,
        data:
          `${item("Likelihood", "0.9")}<sch:ElementItem Name="LicensePlateInfo"><sch:LicensePlateInfo>` +
          '<sch:PlateNumber Likelihood="0.9">007 123</sch:PlateNumber><sch:CountryCode>CN</sch:CountryCode>' +
          `</sch:LicensePlateInfo></sch:ElementItem><sch:ElementItem Name="Image">${"A".repeat(5000)}</sch:ElementItem>`,
      }),
    );
    await expect.poll(() => made.events("objectDetected").length, POLL).toBe(1);
    expect(made.events("objectDetected")[0]).toMatchObject({
      data: { licensePlate: "007 123", "LicensePlateInfo.CountryCode": "CN", Likelihood: "0.9", Rule: "gate" },
    });
    expect(JSON.stringify(made.events("objectDetected")[0]).length).toBeLessThan(1000);
    expect(made.latest("object")?.value).toBe(true);
  });

  it("tell classes of objects while they are there", async () => {
    const made = await listening();
    const seen = (classes: string) =>
      notification({
        topic: "RuleEngine/ObjectDetection/Object",
        source,
        data: item("ClassTypes", classes),
        operation: "Changed",
      });
    made.device.tell(seen("Human Vehicle"), seen(""));
    await expect.poll(() => made.events("objectDetected").map((event) => event.state), POLL).toEqual([true, false]);
    expect(made.events("objectDetected")[0]?.data?.["objectClass"]).toBe("Human Vehicle");
  });

  it("of topics nobody knows are told once a minute a topic, and counted", async () => {
    const made = await listening();
    const strange = notification({ topic: "acme:Magic/Wand", data: item("Spell", "Lumos") });
    const repeated = notification({ topic: "RuleEngine/Odd", operation: "Initialized" });
    const measured = notification({ topic: "Monitoring/ProcessorUsage", data: item("Value", "3") });
    made.device.tell(strange, strange, strange, repeated, measured);
    made.device.tell(
      notification({ topic: "VideoSource/SignalLoss", data: item("State", "true"), operation: "Changed" }),
    );
    await expect.poll(() => made.latest("loss")?.value, POLL).toBe(true);
    expect(made.events("other").length).toBe(1);
    expect(made.events("other")[0]?.data).toMatchObject({ Spell: "Lumos", suppressed: 0 });
    expect(made.driver.counters()["unmapped"]).toBe(5);
  });
});
