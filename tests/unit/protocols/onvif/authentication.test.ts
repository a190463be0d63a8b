import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildEnvelope, parseEnvelope } from "#protocols/onvif/codec/envelope.ts";
import {
  chooseChallenge,
  digestAuthorization,
  digestResponse,
  parseDigest,
} from "#protocols/onvif/codec/http-digest.ts";
import {
  findUsernameToken,
  passwordDigest,
  provesPassword,
  securityHeader,
} from "#protocols/onvif/codec/username-token.ts";

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/onvif/${name}.xml`, import.meta.url), "utf8");

function tokenOf(xml: string) {
  const message = parseEnvelope(xml);
  return message.kind === "body" ? findUsernameToken(message.headers) : undefined;
}

describe("WS-UsernameToken", () => {
  it("computes the digest of the ONVIF Application Programmer's Guide", () => {
    const nonce = Buffer.from("LKqI6G/AikKCQrN0zqZFlg==", "base64");
    expect(passwordDigest(nonce, "2010-09-16T07:50:45Z", "userpassword")).toBe("tuOSpGlFlIXsozq4HFNeeGeFLEI=");
  });

  it("recognizes the token of an independent client", () => {
    const token = tokenOf(fixture("npm-onvif-create-pull-point"));
    expect(token?.username).toBe("hub");
    expect(token !== undefined && provesPassword(token, "p&w<1>")).toBe(true);
    expect(token !== undefined && provesPassword(token, "p&w<2>")).toBe(false);
  });

  it("writes a token that it recognizes, with names that would be markup", () => {
    const header = securityHeader("<a&b>", "geheim", Buffer.from("0123456789abcdef"), "2026-11-20T00:00:00Z");
    const token = tokenOf(buildEnvelope("<tds:GetScopes/>", header));
    expect(token).toMatchObject({ username: "<a&b>", created: "2026-11-20T00:00:00Z" });
    expect(token !== undefined && provesPassword(token, "geheim")).toBe(true);
  });

  it("finds no token where there is none", () => {
    expect(tokenOf(buildEnvelope("<tds:GetScopes/>"))).toBeUndefined();
  });
});

describe("HTTP digest", () => {
  const base = {
    username: "Mufasa",
    password: "Circle of Life",
    method: "GET",
    uri: "/dir/index.html",
    count: 1,
    clientNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
  };
  const challenge = {
    realm: "http-auth@example.org",
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    auth: true,
    opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
  };

  it("computes the responses of RFC 7616 section 3.9.1", () => {
    expect(digestResponse({ ...base, challenge: { ...challenge, algorithm: "MD5" } })).toBe(
      "8ca523f5e9506fed4657c9700eebdbec",
    );
    expect(digestResponse({ ...base, challenge: { ...challenge, algorithm: "SHA-256" } })).toBe(
      "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    );
  });

  it("computes the response of RFC 2069 where the server offers no qop", () => {
    // Same inputs by the formula of RFC 7616 §3.4.1 without qop: KD(H(A1), nonce:H(A2)).
    const old = { ...challenge, auth: false, algorithm: "MD5" as const };
    expect(digestResponse({ ...base, challenge: old })).not.toBe(
      digestResponse({ ...base, challenge: { ...old, auth: true } }),
    );
    expect(digestAuthorization({ ...base, challenge: old })).not.toContain("qop");
  });

  it("chooses the strongest challenge it can answer", () => {
    const md5 = 'Digest realm="c", nonce="1", qop="auth,auth-int"';
    const sha = 'Digest realm="c", nonce="2", qop="auth", algorithm=SHA-256';
    expect(chooseChallenge([md5, sha])).toEqual({ realm: "c", nonce: "2", algorithm: "SHA-256", auth: true });
    expect(chooseChallenge([md5])).toEqual({ realm: "c", nonce: "1", algorithm: "MD5", auth: true });
    expect(chooseChallenge(['Basic realm="c"', 'Digest nonce="1", algorithm=TOKEN', "garbage"])).toBeUndefined();
  });

  it("writes a header that reads back, with quotes in the realm and no line break", () => {
    const header = digestAuthorization({
      ...base,
      challenge: { realm: 'a "b"\r\nX: y', nonce: "n", algorithm: "MD5", auth: true },
    });
    expect(header).not.toMatch(/[\r\n]/);
    expect(parseDigest(header)).toMatchObject({ realm: 'a "b"X: y', nc: "00000001", uri: base.uri, qop: "auth" });
  });
});
