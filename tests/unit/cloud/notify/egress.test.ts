import { describe, expect, it } from "vitest";
import { isPublic } from "#cloud/notify/address-class.ts";
import { canonicalHost, Egress } from "#cloud/notify/egress.ts";

const PUBLIC_4 = "93.184.216.34";

/** An egress list with a name server that answers from a table. */
function egress(list: readonly string[], names: Readonly<Record<string, readonly string[]>> = {}): Egress {
  return new Egress(list, async (host) => {
    const found = names[host];
    if (found === undefined) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    return found;
  });
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "allowed",
    (error: { code?: string }) => error.code,
  );

describe("the egress list", () => {
  it("allows nothing when it is empty", async () => {
    expect(await codeOf(egress([], { "a.example": [PUBLIC_4] }).check("a.example", 443))).toBe("EGRESS_FORBIDDEN");
    expect(await codeOf(egress([]).check(PUBLIC_4, 443))).toBe("EGRESS_FORBIDDEN");
  });

  it("allows a listed name at a public address and gives the address to connect to", async () => {
    const checked = await egress(["Hooks.Example"], { "hooks.example": [PUBLIC_4] }).check("HOOKS.example.", 443);
    expect(checked).toEqual({ host: "hooks.example", address: PUBLIC_4, family: 4, listed: false });
  });

  it("allows what lies below *.domain, not the domain itself nor one that only ends like it", async () => {
    const names = { "a.corp.example": [PUBLIC_4], "corp.example": [PUBLIC_4], "evilcorp.example": [PUBLIC_4] };
    const list = egress(["*.corp.example"], names);
    expect(await codeOf(list.check("a.corp.example", 443))).toBe("allowed");
    expect(await codeOf(list.check("corp.example", 443))).toBe("EGRESS_FORBIDDEN");
    expect(await codeOf(list.check("evilcorp.example", 443))).toBe("EGRESS_FORBIDDEN");
  });

  it("binds an entry with a port to that port", async () => {
    const list = egress(["mail.example:587", "10.1.2.3:25", "[fd12::3]:2525"], { "mail.example": [PUBLIC_4] });
    expect(await codeOf(list.check("mail.example", 587))).toBe("allowed");
    expect(await codeOf(list.check("mail.example", 25))).toBe("EGRESS_FORBIDDEN");
    expect(await codeOf(list.check("10.1.2.3", 25))).toBe("allowed");
    expect(await codeOf(list.check("10.1.2.3", 26))).toBe("EGRESS_FORBIDDEN");
    expect(await codeOf(list.check("fd12::3", 2525))).toBe("allowed");
    expect(await codeOf(list.check("fd12::3", 25))).toBe("EGRESS_FORBIDDEN");
  });

  it.each([
    "127.0.0.1",
    "10.0.0.8",
    "172.16.9.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "ff02::1",
  ])("refuses a listed name that points to %s", async (address) => {
    expect(isPublic(address)).toBe(false);
    const names = { "hooks.example": [address], "both.example": [PUBLIC_4, address] };
    const list = egress(["hooks.example", "both.example"], names);
    expect(await codeOf(list.check("hooks.example", 443))).toBe("EGRESS_FORBIDDEN");
    // one bad address among good ones is enough
    expect(await codeOf(list.check("both.example", 443))).toBe("EGRESS_FORBIDDEN");
  });

  it.each(["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:7f00:1]", "127.0.0.1.", "①②⑦.0.0.1"])(
    "sees that %s is loopback",
    async (host) => {
      const check = egress(["example.com", "8.8.8.8"]).check(host.replace(/^\[|\]$/g, ""), 80);
      await expect(check).rejects.toThrow(/no public address/);
    },
  );

  it("opens a private network that is listed, for names too, but never a metadata address inside it", async () => {
    const names = { "mail.corp": ["10.1.2.3"], "evil.corp": ["169.254.169.254"] };
    const list = egress(["*.corp", "10.1.0.0/16", "169.254.0.0/16"], names);
    expect(await list.check("mail.corp", 25)).toMatchObject({ address: "10.1.2.3", listed: true });
    expect(await codeOf(list.check("10.1.2.3", 25))).toBe("allowed");
    expect(await codeOf(list.check("10.2.0.1", 25))).toBe("EGRESS_FORBIDDEN");
    expect(await codeOf(list.check("evil.corp", 80))).toBe("EGRESS_FORBIDDEN");
    expect(await codeOf(list.check("169.254.169.254", 80))).toBe("EGRESS_FORBIDDEN");
    expect(await codeOf(egress(["169.254.169.254"]).check("169.254.169.254", 80))).toBe("allowed");
  });

  it("knows an IPv4-mapped address for the IPv4 address that it is", async () => {
    expect(await egress(["10.1.2.3"]).check("::ffff:10.1.2.3", 25)).toMatchObject({ listed: true });
  });

  it("says that a name cannot be resolved as something that may pass", async () => {
    await expect(egress(["gone.example"]).check("gone.example", 443)).rejects.toMatchObject({
      code: "EGRESS_NAME_UNKNOWN",
      retriable: true,
    });
  });

  it.each(["a b", "host/path", "user@host", "host:80", "", "a?b", "a#b"])("refuses %j as a host", (host) => {
    expect(() => canonicalHost(host)).toThrow(/expected a name or an address/);
  });

  it.each(["10.0.0.0/33", "fd00::/200", "a..b", "http://x", "host:0", "host:99999", "1.2.3/8", "*", "a:b:c", "*.*.x"])(
    "refuses %s as an entry",
    (entry) => {
      expect(() => new Egress([entry])).toThrow(/egress list/);
    },
  );
});
