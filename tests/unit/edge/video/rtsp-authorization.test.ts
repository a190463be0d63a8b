import { describe, expect, it } from "vitest";
import { RtspAuthorization } from "#edge/video/rtsp-authorization.ts";

const field = (header: string | undefined, name: string): string | undefined =>
  new RegExp(`${name}="?([^",]+)`).exec(header ?? "")?.[1];

describe("authentication to a camera", () => {
  it("answers the example of RFC 2617 §3.5", () => {
    const authorization = new RtspAuthorization(
      { username: "Mufasa", password: "Circle Of Life" },
      () => false,
      () => "0a4f113b",
    );
    const demand =
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
    expect(authorization.header("GET", "/dir/index.html")).toBeUndefined();
    expect(authorization.demand([demand], false)).toBe("answer");
    expect(field(authorization.header("GET", "/dir/index.html"), "response")).toBe("6629fae49393a05397450978507c4ef1");
  });

  it("answers the examples of RFC 7616 §3.9.1, and chooses SHA-256 where both are offered", () => {
    const nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const demand = (algorithm: string): string =>
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
    const cnonce = (): string => "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    const answer = (demands: readonly string[]): string | undefined => {
      const authorization = new RtspAuthorization(
        { username: "Mufasa", password: "Circle of Life" },
        () => false,
        cnonce,
      );
      expect(authorization.demand(demands, false)).toBe("answer");
      return field(authorization.header("GET", "/dir/index.html"), "response");
    };
    expect(answer([demand("MD5")])).toBe("8ca523f5e9506fed4657c9700eebdbec");
    expect(answer([demand("MD5"), demand("SHA-256")])).toBe(
      "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    );
  });

  it("counts requests with one nonce, begins anew with the next, and knows a nonce that ran out from a wrong password", () => {
    const authorization = new RtspAuthorization({ username: "a", password: "b" }, () => false);
    expect(authorization.demand(['Digest realm="r", nonce="1", qop="auth"'], false)).toBe("answer");
    expect(field(authorization.header("A", "u"), "nc")).toBe("00000001");
    expect(field(authorization.header("B", "u"), "nc")).toBe("00000002");
    expect(authorization.demand(['Digest realm="r", nonce="2", qop="auth", stale=TRUE'], true)).toBe("answer");
    expect(field(authorization.header("C", "u"), "nc")).toBe("00000001");
    expect(field(authorization.header("C", "u"), "nonce")).toBe("2");
    expect(authorization.demand(['Digest realm="r", nonce="3", qop="auth"'], true)).toBe("wrongCredential");
  });

  it("sends a password in clear text only where the way is safe", () => {
    const demand = ['Basic realm="camera"'];
    expect(new RtspAuthorization({ username: "a", password: "b" }, () => false).demand(demand, false)).toBe(
      "basicRefused",
    );
    const safe = new RtspAuthorization({ username: "a", password: "b" }, () => true);
    expect(safe.demand(demand, false)).toBe("answer");
    expect(safe.header("A", "u")).toBe("Basic YTpi");
    expect(safe.demand(demand, true)).toBe("wrongCredential");
    // Digest is preferred to it
    const both = new RtspAuthorization({ username: "a", password: "b" }, () => true);
    expect(both.demand([...demand, 'Digest realm="r", nonce="1"'], false)).toBe("answer");
    expect(both.header("A", "u")).toMatch(/^Digest /);
  });

  it("has no answer without a credential or to an unknown scheme", () => {
    expect(new RtspAuthorization(undefined, () => true).demand(['Basic realm="x"'], false)).toBe("wrongCredential");
    expect(new RtspAuthorization({ username: "a", password: "b" }, () => true).demand(["Negotiate"], false)).toBe(
      "unknownScheme",
    );
  });
});
