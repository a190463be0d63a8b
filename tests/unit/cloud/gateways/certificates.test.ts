import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Certificates } from "#cloud/gateways/certificates.ts";
import type { CertificatesItem } from "#core/contracts/lanes.ts";
import type { FieldCertificate } from "#core/model/certificate.ts";
import { DomainBench, type Domains, NOON } from "../domain-bench.ts";
import { doorPark, GW1, GW2 } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open(doorPark());
});
afterEach(() => bench.clear());

const certificate = (digit: string, fields: Partial<FieldCertificate> = {}): FieldCertificate => ({
  thumbprint: digit.repeat(40),
  subject: `CN=panel ${digit}`,
  issuer: "CN=maker",
  notBefore: NOON,
  notAfter: NOON + 1000,
  trust: "rejected",
  ...fields,
});
const item = (certificates: FieldCertificate[], channel = "opcua"): CertificatesItem => ({
  offset: 0,
  at: NOON,
  kind: "certificates",
  channel,
  certificates,
});
const known = (gateway = GW1) =>
  cloud.certificates.of(gateway).map(({ thumbprint, trust }) => `${thumbprint[0]} ${trust}`);

describe("what a channel knows of certificates", () => {
  it("replaces what was known of it, and of no other channel", () => {
    cloud.item(GW1, item([certificate("a"), certificate("b", { trust: "own", applicationUri: "urn:gw" })]));
    cloud.item(GW2, item([certificate("c")]));
    expect(cloud.certificates.of(GW1)[1]).toEqual({
      gateway: GW1,
      channel: "opcua",
      thumbprint: "b".repeat(40),
      subject: "CN=panel b",
      issuer: "CN=maker",
      applicationUri: "urn:gw",
      notBefore: "2026-11-22T04:00:00.000Z",
      notAfter: "2026-11-22T04:00:01.000Z",
      trust: "own",
    });
    cloud.item(GW1, item([certificate("a", { trust: "trusted" })]));
    expect([known(), known(GW2)]).toEqual([["a trusted"], ["c rejected"]]);
    cloud.item(GW1, item([]));
    expect(known()).toEqual([]);
  });

  it("is kept once when one report names it twice", () => {
    cloud.item(GW1, item([certificate("a"), certificate("a", { trust: "trusted" })]));
    expect(known()).toEqual(["a trusted"]);
  });

  it("of a channel that the site does not have is not kept", () => {
    cloud.item(GW1, item([certificate("a")], "gone"));
    expect(known()).toEqual([]);
  });

  it("goes with a channel that is taken out of the site", () => {
    cloud.item(GW1, item([certificate("a")]));
    const rows = () => cloud.db.sync.all(cloud.db.kysely.selectFrom("certificates").select("channel")).length;
    const without = new Certificates(cloud.db, { channel: () => undefined });
    expect([without.of(GW1), rows()]).toEqual([[], 1]);
    without.take(GW1, item([], "another"));
    expect(rows()).toBe(0);
  });

  it.each([
    ["a channel that is no id", item([], "a/b"), "CHANNEL_INVALID"],
    ["more than can be", item(Array.from({ length: 1001 }, () => certificate("a"))), "CERTIFICATES_TOO_MANY"],
  ])("is refused with %s", (_what, wrong, code) => {
    expect(() => cloud.item(GW1, wrong)).toThrow(expect.objectContaining({ code }));
  });
});
