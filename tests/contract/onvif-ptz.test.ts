import { afterEach, describe, expect, it } from "vitest";
import { POLL } from "./onvif-field.ts";
import {
  type Answer,
  documentOf,
  fault,
  observeScripted,
  type ScriptedDevice,
  type ScriptedField,
  scriptedDevice,
} from "./onvif-scripted.ts";

const PROFILES: Answer = () =>
  '<m1:GetProfilesResponse><m1:Profiles token="P1"><sch:VideoSourceConfiguration><sch:SourceToken>V1</sch:SourceToken>' +
  "</sch:VideoSourceConfiguration><sch:VideoEncoderConfiguration><sch:Encoding>H264</sch:Encoding></sch:VideoEncoderConfiguration>" +
  "<sch:PTZConfiguration/></m1:Profiles></m1:GetProfilesResponse>";

/** A head that is at once where it is sent, and moves by speed until it is stopped. */
class Head {
  at = { pan: 0, tilt: 0, zoom: 0 };
  moving = false;
  readonly presets: string[] = ["Home"];

  answers(): Readonly<Record<string, Answer>> {
    const to = (name: string, relative: boolean): Answer => {
      return (body) => {
        const vector = body.child(name);
        const axis = (element: string, attribute: string, old: number): number => {
          const value = vector?.child(element)?.attributes.get(attribute);
          return value === undefined ? old : Number(value) + (relative ? old : 0);
        };
        this.at = {
          pan: axis("PanTilt", "x", this.at.pan),
          tilt: axis("PanTilt", "y", this.at.tilt),
          zoom: axis("Zoom", "x", this.at.zoom),
        };
        return `<mv:${body.name}Response/>`;
      };
    };
    return {
      GetProfiles: PROFILES,
      GetPresets: () =>
        `<mv:GetPresetsResponse>${this.presets
          .map((name, n) => `<mv:Preset token="${n + 1}"><sch:Name>${name}</sch:Name></mv:Preset>`)
          .join("")}</mv:GetPresetsResponse>`,
      GetStatus: () =>
        `<mv:GetStatusResponse><mv:PTZStatus><sch:Position><sch:PanTilt x="${this.at.pan}" y="${this.at.tilt}"/>` +
        `<sch:Zoom x="${this.at.zoom}"/></sch:Position><sch:MoveStatus><sch:PanTilt>${this.moving ? "MOVING" : "IDLE"}` +
        "</sch:PanTilt></sch:MoveStatus></mv:PTZStatus></mv:GetStatusResponse>",
      ContinuousMove: () => {
        this.moving = true;
        return "<mv:ContinuousMoveResponse/>";
      },
      Stop: () => {
        this.moving = false;
        return "<mv:StopResponse/>";
      },
      AbsoluteMove: to("Position", false),
      RelativeMove: to("Translation", true),
      GotoHomePosition: () => {
        this.at = { pan: 0, tilt: 0, zoom: 0 };
        return "<mv:GotoHomePositionResponse/>";
      },
      SetPreset: (body) => {
        this.presets.push(body.textAt("PresetName") ?? "");
        return `<mv:SetPresetResponse><mv:PresetToken>${this.presets.length}</mv:PresetToken></mv:SetPresetResponse>`;
      },
    };
  }
}

describe("the head of a camera", { timeout: 30_000 }, () => {
  let head: Head;
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function field(): Promise<ScriptedField & { readonly device: ScriptedDevice }> {
    head = new Head();
    const device = await scriptedDevice(["media", "ptz"]);
    closing.push(() => device.close());
    device.answer(head.answers());
    const made = await observeScripted(device, { pan: { signal: "pan" }, moving: { signal: "moving" } });
    closing.push(() => made.driver.stop());
    await expect.poll(() => made.latest("pan")?.quality, POLL).toBe("good");
    device.reset();
    return { ...made, device };
  }
  const moves = (device: ScriptedDevice) => device.asked().filter((name) => /Move|Stop/.test(name));

  it("moves by speed for a while and is stopped", async () => {
    const made = await field();
    expect(await made.act("ptzMove", { pan: 0.5, tilt: -1, seconds: 0.3 })).toEqual({ status: "done" });
    expect(moves(made.device)).toEqual(["ContinuousMove", "Stop"]);
    const sent = made.device.received.find(({ name }) => name === "ContinuousMove");
    expect(sent?.textAt("Timeout")).toBe("PT0.3S");
    expect(sent?.at("Velocity", "PanTilt")?.attributes.get("x")).toBe("0.5");
    expect(sent?.at("Velocity", "Zoom")).toBeUndefined();
    expect(head.moving).toBe(false);
  });

  it("is stopped when whoever moves it has gone away", async () => {
    const made = await field();
    const gone = new AbortController();
    const move = made.act("ptzMove", { pan: 1, seconds: 10 }, gone.signal);
    await expect.poll(() => head.moving, POLL).toBe(true);
    gone.abort();
    expect(await move).toMatchObject({ status: "failed", code: "ONVIF_CALLED_OFF" });
    expect(head.moving).toBe(false);
  });

  it("is stopped when the driver stops", async () => {
    const made = await field();
    const move = made.act("ptzMove", { pan: 1, seconds: 10 });
    await expect.poll(() => head.moving, POLL).toBe(true);
    await made.driver.stop();
    await move;
    expect(head.moving).toBe(false);
  });

  it("is stopped by a second try where the first is lost", async () => {
    const made = await field();
    let stops = 0;
    made.device.answer({
      Stop: () => {
        stops++;
        if (stops === 1) return fault("Action");
        head.moving = false;
        return "<mv:StopResponse/>";
      },
    });
    expect(await made.act("ptzMove", { pan: 1, seconds: 0.2 })).toEqual({ status: "done" });
    expect([stops, head.moving]).toEqual([2, false]);
  });

  it("goes on moving where a later movement takes over, and is stopped once", async () => {
    const made = await field();
    const first = made.act("ptzMove", { pan: 1, seconds: 10 });
    await expect.poll(() => head.moving, POLL).toBe(true);
    const second = made.act("ptzMove", { pan: -1, seconds: 0.2 });
    expect([await first, await second]).toEqual([{ status: "done" }, { status: "done" }]);
    expect(moves(made.device)).toEqual(["ContinuousMove", "ContinuousMove", "Stop"]);
  });

  it("is stopped at once by ptzStop", async () => {
    const made = await field();
    const move = made.act("ptzMove", { zoom: 1, seconds: 10 });
    await expect.poll(() => head.moving, POLL).toBe(true);
    expect(await made.act("ptzStop")).toEqual({ status: "done" });
    expect(await move).toEqual({ status: "done" });
    expect(head.moving).toBe(false);
  });

  it("is moved without a time where the camera takes none, and stopped all the same", async () => {
    const made = await field();
    made.device.answer({
      ContinuousMove: (body) => {
        if (body.child("Timeout") !== undefined) return fault("TimeoutNotSupported");
        head.moving = true;
        return "<mv:ContinuousMoveResponse/>";
      },
    });
    expect(await made.act("ptzMove", { pan: 1, seconds: 0.2 })).toEqual({ status: "done" });
    expect(head.moving).toBe(false);
  });

  it.each([
    ["longer than ten seconds", { pan: 1, seconds: 11 }],
    ["faster than it can", { pan: 1.5 }],
    ["along no axis", { seconds: 1 }],
    ["along a word", { pan: "left" }],
  ])("is not moved %s", async (_what, params) => {
    const made = await field();
    expect(await made.act("ptzMove", params)).toMatchObject({ status: "rejected", code: "ONVIF_PARAM_INVALID" });
    expect(moves(made.device)).toEqual([]);
  });

  it("goes to a position; an axis that is not asked for stays", async () => {
    const made = await field();
    head.at = { pan: 0.1, tilt: 0.2, zoom: 0.3 };
    expect(await made.act("ptzMoveTo", { pan: -0.5 })).toEqual({ status: "done" });
    expect(head.at).toEqual({ pan: -0.5, tilt: 0.2, zoom: 0.3 });
    expect(await made.act("ptzMoveTo", { zoom: -0.5 })).toMatchObject({ code: "ONVIF_PARAM_INVALID" });
  });

  it("goes by a distance, and home", async () => {
    const made = await field();
    expect(await made.act("ptzMoveBy", { pan: 0.25, tilt: 0.5 })).toEqual({ status: "done" });
    expect(head.at).toEqual({ pan: 0.25, tilt: 0.5, zoom: 0 });
    expect(made.latest("pan")?.value).toBe(0.25);
    expect(await made.act("ptzHome")).toEqual({ status: "done" });
    expect(head.at.pan).toBe(0);
  });

  it("stores a preset and lists it", async () => {
    const made = await field();
    expect(documentOf(await made.act("ptzSetPreset", { name: "3号门" }))).toEqual({ token: "2", name: "3号门" });
    expect(documentOf(await made.act("ptzPresets"))).toEqual({
      presets: [
        { token: "1", name: "Home" },
        { token: "2", name: "3号门" },
      ],
    });
    made.device.answer({
      SetPreset: () => "<mv:SetPresetResponse><mv:PresetToken>9</mv:PresetToken></mv:SetPresetResponse>",
    });
    expect(await made.act("ptzSetPreset", { name: "lost" })).toMatchObject({ code: "ONVIF_PRESET_UNCONFIRMED" });
  });
});
