import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { createCamera, type SimulatedCamera } from "#simulators/devices/camera.ts";
import { glyphHasInk } from "#simulators/devices/camera-font.ts";

const NOON = Date.UTC(2026, 10, 20, 4, 0, 0);
const MIDNIGHT = Date.UTC(2026, 10, 20, 16, 0, 0);

function dome(): SimulatedCamera {
  return createCamera({
    id: "camera-1",
    name: "3号门球机",
    nameEn: "Gate 3 dome",
    ptz: true,
    presets: [
      { token: "home", name: "Home", pan: 0, tilt: 0, zoom: 1 },
      { token: "gate-3", name: "Gate 3", pan: 60, tilt: -10, zoom: 3 },
    ],
  });
}

function pixels(camera: SimulatedCamera): Uint8Array {
  const decoded = jpeg.decode(camera.picture(), { useTArray: true });
  expect([decoded.width, decoded.height]).toEqual([640, 360]);
  return decoded.data;
}

/** Share of pixels that differ clearly, 0 to 1. */
function difference(a: Uint8Array, b: Uint8Array): number {
  let different = 0;
  for (let i = 0; i < a.length; i += 4) if (Math.abs((a[i] ?? 0) - (b[i] ?? 0)) > 24) different++;
  return different / (a.length / 4);
}

function brightness(picture: Uint8Array): number {
  let sum = 0;
  for (let i = 1; i < picture.length; i += 4) sum += picture[i] ?? 0;
  return sum / (picture.length / 4);
}

/** The text in the picture, read back by comparing glyph by glyph. */
function readText(picture: Uint8Array, left: number, top: number, length: number): string {
  const isLight = (x: number, y: number): boolean => (picture[(y * 640 + x) * 4 + 1] ?? 0) > 128;
  const fits = (character: string, at: number): boolean => {
    for (let column = 0; column < 5; column++) {
      for (let row = 0; row < 8; row++) {
        if (isLight(at + column * 2, top + row * 2) !== glyphHasInk(character, column, row)) return false;
      }
    }
    return true;
  };
  let text = "";
  for (let i = 0; i < length; i++) {
    const codes = Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n));
    text += codes.find((character) => fits(character, left + i * 12)) ?? "\u0000";
  }
  return text;
}

describe("a simulated camera", () => {
  it("takes its time to move, stands on the preset at the end and nowhere on the way", () => {
    const camera = dome();
    expect(camera.read("preset")).toBe("home");
    expect(camera.goToPreset("gate-3")).toBe(true);
    camera.step(0.25, NOON);
    expect([camera.read("moving"), camera.read("pan"), camera.read("preset")]).toEqual([true, 30, ""]);
    camera.step(0.25, NOON);
    expect([camera.read("moving"), camera.read("pan"), camera.read("preset")]).toEqual([false, 60, "gate-3"]);
    expect(camera.goToPreset("nowhere")).toBe(false);
  });

  it("moves until it is stopped or at its limit", () => {
    const camera = dome();
    camera.moveWith({ pan: 0.5, tilt: -1, zoom: 0 });
    camera.step(0.5, NOON);
    camera.stopMove();
    camera.step(5, NOON);
    expect([camera.read("pan"), camera.read("tilt")]).toEqual([30, -30]);
    camera.moveWith({ pan: 0, tilt: -1, zoom: 1 });
    camera.step(60, NOON);
    expect([camera.read("tilt"), camera.read("zoom"), camera.read("moving")]).toEqual([-90, 20, false]);
  });

  it("does not move when it is a fixed one", () => {
    const camera = createCamera({ id: "camera-2", name: "枪机", nameEn: "Fixed", ptz: false });
    camera.moveTo({ pan: 90 });
    expect(camera.signals.some((signal) => signal.name === "pan")).toBe(false);
    expect(() => camera.read("pan")).toThrow(expect.objectContaining({ code: "SIM_SIGNAL_UNKNOWN" }));
    expect(jpeg.decode(camera.picture()).width).toBe(640);
  });

  it("tells each change of a detector and each crossing of its line", () => {
    const camera = dome();
    const told: string[] = [];
    const stop = camera.onDetection((signal, value) => told.push(`${signal} ${value}`));
    camera.write("motion", true);
    camera.write("motion", true);
    camera.write("line-crossed", true);
    camera.write("line-crossed", true);
    camera.step(3, NOON);
    stop();
    camera.write("motion", false);
    expect(told).toEqual(["motion true", "line-crossed true", "line-crossed true", "line-crossed false"]);
    expect(camera.read("line-crossed")).toBe(false);
  });

  it("shows its name, the local time and the preset as readable text", () => {
    const camera = dome();
    camera.step(1, NOON);
    const home = pixels(camera);
    expect(readText(home, 12, 12, 11)).toBe("Gate 3 dome");
    expect(readText(home, 12, 36, 19)).toBe("2026-11-20 12:00:00");
    expect(readText(home, 12, 332, 9)).toBe("home P 0.");
  });

  it("shows another view at another preset", () => {
    const camera = dome();
    camera.step(1, NOON);
    const home = pixels(camera);
    camera.goToPreset("gate-3");
    camera.step(5, NOON);
    const gate = pixels(camera);
    expect(readText(gate, 12, 332, 6)).toBe("gate-3");
    expect(difference(home, gate)).toBeGreaterThan(0.2);
  });

  it("is dark at night, bright with light, and covered when tampered with", () => {
    const camera = dome();
    camera.step(1, NOON);
    const day = brightness(pixels(camera));
    camera.step(1, MIDNIGHT);
    const night = brightness(pixels(camera));
    camera.write("light", true);
    const lit = brightness(pixels(camera));
    camera.write("tamper", true);
    const covered = brightness(pixels(camera));
    expect(night).toBeLessThan(day / 2);
    expect(lit).toBeGreaterThan(night * 1.5);
    expect(covered).toBeLessThan(night * 1.5);
  });

  it("shows who set off the detector", () => {
    const camera = dome();
    camera.step(1, NOON);
    const empty = pixels(camera);
    camera.write("motion", true);
    expect(difference(empty, pixels(camera))).toBeGreaterThan(0.01);
  });
});
