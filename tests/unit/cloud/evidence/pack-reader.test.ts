import { Zip, ZipPassThrough, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { PackReader } from "#cloud/evidence/pack-reader.ts";

const TEXT = new TextEncoder().encode("what was said");
const invalid = (why: RegExp) =>
  expect.objectContaining({ code: "EVIDENCE_PACK_INVALID", message: expect.stringMatching(why) });

/** A zip with these names, one after the other, as they are. */
function zipOf(...names: readonly string[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  const zip = new Zip((error, piece) => {
    if (error !== null) throw error;
    pieces.push(piece);
  });
  for (const name of names) {
    const entry = new ZipPassThrough(name);
    zip.add(entry);
    entry.push(TEXT, true);
  }
  zip.end();
  return Buffer.concat(pieces);
}

/** The zip with another number in the central directory entry of its first file. [APPNOTE 4.3.12] */
function withField(zip: Uint8Array, offset: number, value: number): Uint8Array {
  const changed = Buffer.from(zip);
  const entry = changed.indexOf("PK\u0001\u0002", 0, "latin1");
  changed.writeUInt32LE(value, entry + offset);
  return changed;
}
const UNCOMPRESSED = 24;

describe("what is read of a pack", () => {
  it("is its files, each whole", () => {
    const pack = new PackReader(zipSync({ "manifest.json": TEXT, trends: { "01-temp.csv": TEXT } }));
    expect(pack.paths.toSorted()).toEqual(["manifest.json", "trends/01-temp.csv"]);
    expect(pack.text("trends/01-temp.csv")).toBe("what was said");
    expect(pack.read("nothing.json")).toBeUndefined();
  });

  it.each([
    "../outside.txt",
    "media/../../outside.txt",
    "/etc/passwd",
    "C:\\windows\\system.ini",
    "a\\b.txt",
    "..",
    ".hidden",
    "media/.hidden",
    "name with\u0000nul",
    "\u202egpj.exe",
    "a//b",
    "../",
    "a".repeat(201),
    "a/b/c/d/e/f/g.txt",
  ])("is refused with the path %j", (name) => {
    expect(() => new PackReader(zipOf("manifest.json", name))).toThrow(invalid(/path/));
  });

  it("is refused when a name is there twice, also by another case", () => {
    expect(() => new PackReader(zipOf("alarm.json", "alarm.json"))).toThrow(invalid(/twice/));
    expect(() => new PackReader(zipOf("alarm.json", "Alarm.JSON"))).toThrow(invalid(/twice/));
  });

  it("is refused before it fills the memory", () => {
    const bomb = zipSync({ "bomb.json": new Uint8Array(1_000_000) });
    expect(() => new PackReader(withField(bomb, UNCOMPRESSED, 4_000_000_000))).toThrow(invalid(/more than a pack may/));
    const many = zipOf(...Array.from({ length: 2001 }, (_, i) => `${i}.json`));
    expect(() => new PackReader(many)).toThrow(invalid(/more than a pack may/));
    const large = new PackReader(withField(bomb, UNCOMPRESSED, 70_000_000));
    expect(() => large.text("bomb.json")).toThrow(invalid(/70000000 bytes/));
  });

  it("gives no more of a file than the directory says, whatever it unpacks to", () => {
    const zip = zipSync({ "alarm.json": new TextEncoder().encode("x".repeat(100_000)) });
    const read = new PackReader(withField(zip, UNCOMPRESSED, 10)).read("alarm.json");
    expect(read?.length ?? 0).toBeLessThanOrEqual(10);
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["garbage", Buffer.from("PK no zip at all, but long enough to look for its end")],
    ["half a zip", zipOf("a.json", "b.json").subarray(0, 80)],
  ])("is refused when it is %s", (_name, bytes) => {
    expect(() => new PackReader(bytes)).toThrow(invalid(/no zip file/));
  });

  it("is refused when a file cannot be unpacked or is no text", () => {
    const zip = Buffer.from(zipSync({ "alarm.json": [new TextEncoder().encode("abc".repeat(500)), { level: 9 }] }));
    zip.fill(0xff, 42, 52);
    expect(() => new PackReader(zip).read("alarm.json")).toThrow(invalid(/cannot be unpacked/));
    expect(() => new PackReader(zipSync({ "alarm.json": Buffer.from([0xff, 0xfe, 0x00]) })).text("alarm.json")).toThrow(
      invalid(/no UTF-8/),
    );
  });
});
