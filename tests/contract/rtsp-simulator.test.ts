import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import {
  CREDENTIALS,
  hash,
  NOON,
  parameter,
  sequenceOf,
  unitsIn,
  unitType,
  type VideoField,
  videoField,
} from "./rtsp-simulator-client.ts";

let field: VideoField;
afterEach(() => field.close());

const header = (answer: { readonly headers: ReadonlyMap<string, readonly string[]> }, name: string): string =>
  answer.headers.get(name)?.[0] ?? "";

describe("RTSP of a simulated camera", () => {
  it("tells its methods to everybody", async () => {
    field = await videoField();
    const client = await field.connect();
    const answer = await client.send("OPTIONS", "*");
    expect(answer.status).toBe(200);
    expect(header(answer, "public")).toBe("OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, TEARDOWN");
    expect(header(answer, "cseq")).toBe("1");
  });

  it("describes both streams by their parameter sets", async () => {
    field = await videoField();
    const client = await field.connect();
    const ids = [];
    for (const quality of ["main", "sub"] as const) {
      const answer = await client.ask("DESCRIBE", field.server.url(quality), { Accept: "application/sdp" });
      expect(header(answer, "content-base")).toBe(`${field.server.url(quality)}/`);
      expect(header(answer, "content-type")).toBe("application/sdp");
      const lines = answer.body.split("\r\n");
      expect(lines).toContain("m=video 0 RTP/AVP 96");
      expect(lines).toContain("a=rtpmap:96 H264/90000");
      expect(lines).toContain("a=control:trackID=1");
      const format = lines.find((line) => line.startsWith("a=fmtp:96 ")) ?? "";
      expect(format).toContain("packetization-mode=1");
      ids.push(/profile-level-id=([0-9a-f]{6})/.exec(format)?.[1]);
      const sets = (/sprop-parameter-sets=(.*)$/.exec(format)?.[1] ?? "")
        .split(",")
        .map((set) => Buffer.from(set, "base64"));
      expect(sets.map(unitType)).toEqual([7, 8]);
      // [RFC 6184 8.1] the three bytes after the unit's header
      expect(sets[0]?.subarray(1, 4).toString("hex")).toBe(ids.at(-1));
    }
    expect(ids).toEqual(["42c01e", "42c014"]);
  });

  it("sends every picture in packets that hold together, first a key picture", async () => {
    field = await videoField();
    const { client } = await field.play();
    field.pictures(30);
    await expect.poll(() => new Set(client.on(0).map((packet) => packet.readUInt32BE(4))).size).toBe(31);
    const packets = client.on(0);
    expect(packets.every((packet) => packet.length <= 1412 && packet.readUInt8(0) === 0x80)).toBe(true);
    packets.reduce((former, packet) => {
      expect(sequenceOf(packet)).toBe((sequenceOf(former) + 1) & 0xffff);
      return packet;
    });
    const units = unitsIn(packets);
    expect(units.slice(0, 4).map(({ unit }) => unitType(unit))).toEqual([7, 8, 5, 1]);
    expect(units.filter(({ unit }) => unitType(unit) === 5)).toHaveLength(2);
    const times = [...new Set(units.map(({ timestamp }) => timestamp))];
    expect(times.slice(1).map((time, at) => (time - (times[at] ?? 0) + 2 ** 32) % 2 ** 32)).toEqual(
      Array(30).fill(7200),
    );
    // The last packet of a picture is marked, and no other.
    const marked = packets.filter((packet) => (packet.readUInt8(1) & 0x80) !== 0);
    expect(marked.map((packet) => packet.readUInt32BE(4))).toEqual(times);
  });

  it("says every five seconds which timestamp is which time of the camera's clock", async () => {
    field = await videoField({ clockOffsetMs: -3500 });
    const { client } = await field.play("sub");
    field.pictures(130);
    await expect.poll(() => client.on(1).length).toBe(3);
    const reports = client.on(1);
    const first = client.on(0)[0];
    expect(reports[0]?.readUInt32BE(16)).toBe(first?.readUInt32BE(4));
    const ntp = reports.map((report) => report.readUInt32BE(8) + report.readUInt32BE(12) / 2 ** 32);
    expect(ntp.map((seconds) => Math.round(seconds * 1000) - 2_208_988_800_000)).toEqual(
      [0, 5040, 10_080].map((ms) => NOON - 3500 + ms),
    );
    // [RFC 3550 6.1] a compound of sender report and source description with CNAME
    expect(reports[0]?.subarray(28, 30).toString("hex")).toBe("81ca");
    expect(reports[0]?.toString("latin1", 38).replaceAll("\0", "")).toBe("cam-1@127.0.0.1");
    expect(reports[0]?.length).toBe(28 + 4 + 4 * (reports[0]?.readUInt16BE(30) ?? 0));
    expect(reports[0]?.readUInt32BE(20)).toBe(0);
    const sent = client.on(0).filter((packet) => packet.readUInt32BE(4) - (first?.readUInt32BE(4) ?? 0) < 5040 * 90);
    expect(reports[1]?.readUInt32BE(20)).toBe(sent.length);
  });

  it("serves several clients at once and stops drawing when the last has gone", async () => {
    field = await videoField();
    const first = await field.play("main");
    field.pictures(5);
    const second = await field.play("main");
    const third = await field.play("sub");
    field.pictures(1);
    for (const { client } of [first, second, third]) {
      await expect
        .poll(() => unitsIn(client.on(0)).filter(({ unit }) => unitType(unit) === 5).length)
        .toBeGreaterThan(0);
    }
    expect(field.server.sessions).toBe(3);
    const ended = await first.client.ask("TEARDOWN", field.server.url("main"), { Session: first.session });
    expect(ended.status).toBe(200);
    second.client.destroy();
    third.client.destroy();
    await expect.poll(() => field.server.sessions).toBe(0);
    expect(field.server.watched).toBe(false);
  });

  it("pauses and goes on with a key picture", async () => {
    field = await videoField();
    const { client, session } = await field.play();
    field.pictures(3);
    await expect.poll(() => client.on(0).length).toBeGreaterThan(3);
    expect((await client.ask("PAUSE", field.server.url("main"), { Session: session })).status).toBe(200);
    const before = client.frames.length;
    field.pictures(3);
    expect((await client.ask("PAUSE", field.server.url("main"), { Session: session })).status).toBe(455);
    expect(client.frames.length).toBe(before);
    const answer = await client.ask("PLAY", field.server.url("main"), { Session: session });
    const last = client.on(0).at(-1);
    const next = last === undefined ? -1 : (sequenceOf(last) + 1) & 0xffff;
    expect(header(answer, "rtp-info")).toMatch(
      new RegExp(`^url=${field.server.url("main")}/trackID=1;seq=${next};rtptime=\\d+$`),
    );
    field.pictures(1);
    await expect.poll(() => client.frames.length).toBeGreaterThan(before);
    const fresh = client.frames.slice(before).filter(({ channel }) => channel === 0);
    expect(unitType(unitsIn(fresh.map(({ payload }) => payload))[0]?.unit ?? Buffer.alloc(1))).toBe(7);
  });

  it("sends datagrams to the ports that a client names", async () => {
    field = await videoField();
    const media = createSocket("udp4");
    const control = createSocket("udp4");
    try {
      for (const socket of [media, control]) {
        socket.bind(0, "127.0.0.1");
        await once(socket, "listening");
      }
      const packets: Buffer[] = [];
      const reports: Buffer[] = [];
      media.on("message", (packet) => packets.push(packet));
      control.on("message", (packet) => reports.push(packet));
      const client = await field.connect();
      const url = field.server.url("sub");
      const answer = await client.ask("SETUP", `${url}/trackID=1`, {
        Transport: `RTP/AVP;unicast;client_port=${media.address().port}-${control.address().port}`,
      });
      expect(header(answer, "transport")).toMatch(/^RTP\/AVP;unicast;client_port=\d+-\d+;server_port=\d+-\d+;ssrc=/);
      const session = header(answer, "session").split(";")[0] ?? "";
      expect((await client.ask("PLAY", url, { Session: session })).status).toBe(200);
      field.pictures(2);
      await expect.poll(() => unitsIn(packets).length).toBe(5);
      expect(reports).toHaveLength(1);
      expect(client.frames).toHaveLength(0);
      // A cut cable holds datagrams too.
      field.server.silence();
      field.pictures(5);
      field.server.restore();
      client.socket.resume();
      expect((await client.ask("TEARDOWN", url, { Session: session })).status).toBe(200);
      expect(unitsIn(packets)).toHaveLength(5);
    } finally {
      media.close();
      control.close();
    }
  });

  it("ends a session that nobody asks for, and closes its connection", async () => {
    field = await videoField({ sessionTimeoutSeconds: 10 });
    const kept = await field.play("sub");
    const left = await field.play("sub");
    for (let i = 0; i < 3; i++) {
      field.clock.advance(4000);
      const alive = await kept.client.ask("GET_PARAMETER", field.server.url("sub"), { Session: kept.session });
      expect(header(alive, "session")).toBe(`${kept.session};timeout=10`);
    }
    await expect.poll(() => left.client.closed).toBe(true);
    // [RFC 3550 6.6] its last words are a goodbye
    expect(left.client.on(1).at(-1)?.readUInt8(1)).toBe(203);
    expect(field.server.sessions).toBe(1);
    expect(kept.client.closed).toBe(false);
  });

  it("refuses what it cannot do by the status that the standard has for it", async () => {
    field = await videoField();
    const client = await field.connect();
    const main = field.server.url("main");
    const statusOf = async (method: string, uri: string, headers = {}): Promise<number> =>
      (await client.ask(method, uri, headers)).status;
    expect(await statusOf("DESCRIBE", `${main}x`)).toBe(404);
    expect(await statusOf("DESCRIBE", main.replace("cam-1", "cam-2"))).toBe(404);
    expect(await statusOf("SETUP", main, { Transport: "RTP/AVP/TCP;interleaved=0-1" })).toBe(459);
    expect(await statusOf("SETUP", `${main}/trackID=1`, { Transport: "RTP/AVP;multicast" })).toBe(461);
    expect(await statusOf("PLAY", main)).toBe(454);
    expect(await statusOf("PLAY", main, { Session: "1" })).toBe(454);
    expect(await statusOf("RECORD", main)).toBe(501);
    expect(await statusOf("DESCRIBE", main, { Require: "funky-feature" })).toBe(551);
    const session = await client.setUp(main);
    expect(await statusOf("PLAY", field.server.url("sub"), { Session: session })).toBe(454);
    const again = { Session: session, Transport: "RTP/AVP/TCP;interleaved=2-3" };
    expect(await statusOf("SETUP", `${main}/trackID=1`, again)).toBe(455);
    client.socket.write("OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\nOPTIONS * RTSP/1.0\r\n\r\n");
    expect([(await client.answer()).status, (await client.answer()).status]).toEqual([505, 400]);
  });

  it("refuses and closes what is no RTSP, however much of it comes", async () => {
    field = await videoField();
    for (const nonsense of [
      "GET / HTTP/1.1\r\n\r\n",
      "x".repeat(70_000),
      "PLAY x RTSP/1.0\r\nContent-Length: 9999999\r\n\r\n",
    ]) {
      const client = await field.connect();
      client.socket.write(nonsense);
      expect((await client.answer()).status).toBe(400);
      await expect.poll(() => client.closed).toBe(true);
    }
    const client = await field.connect();
    expect((await client.send("OPTIONS", "*")).status).toBe(200);
  });

  it("hears requests that come in pieces, together, or between a client's own frames", async () => {
    field = await videoField();
    const client = await field.connect();
    for (const piece of ["OPTI", "ONS * RTSP/1.0\r", "\nCSeq: 7\r\n\r", "\n"]) client.socket.write(piece);
    expect(header(await client.answer(), "cseq")).toBe("7");
    const report = Buffer.from([0x24, 1, 0, 8, 0x80, 201, 0, 1, 0, 0, 0, 1]);
    const request = Buffer.from("\r\nOPTIONS * RTSP/1.0\r\nCSeq: 8\r\nContent-Length: 4\r\n\r\nbody");
    client.socket.write(Buffer.concat([report, request, report, request]));
    expect(header(await client.answer(), "cseq")).toBe("8");
    expect(header(await client.answer(), "cseq")).toBe("8");
  });

  it("drops a client that does not read while another goes on", async () => {
    field = await videoField({ maxBufferedBytes: 1_000_000 });
    const stuck = await field.play("sub");
    const other = await field.play("sub");
    field.server.faults.set("video-huge-nal", { bytes: 2_500_000 });
    stuck.client.socket.pause();
    // Four key pictures, each more than the sockets between them hold.
    for (let i = 0; i < 4 * 25 && field.server.dropped === 0; i++) {
      const before = other.client.on(0).at(-1)?.readUInt32BE(4);
      field.pictures(1);
      await expect.poll(() => other.client.on(0).at(-1)?.readUInt32BE(4)).not.toBe(before);
      const ended = (): boolean => ((other.client.on(0).at(-1)?.readUInt8(1) ?? 0) & 0x80) !== 0;
      await expect.poll(ended).toBe(true);
    }
    expect(field.server.dropped).toBe(1);
    await expect.poll(() => field.server.sessions).toBe(1);
    expect(other.client.closed).toBe(false);
  });

  it("closes a connection that asks for nothing", async () => {
    field = await videoField();
    const client = await field.connect();
    await client.send("OPTIONS", "*");
    field.clock.advance(61_000);
    await expect.poll(() => client.closed).toBe(true);
  });
});

describe("the digest of a simulated camera", () => {
  it("asks by SHA-256 and by MD5, and takes either", async () => {
    field = await videoField();
    const url = field.server.url("main");
    for (const [index, algorithm] of ["SHA-256", "MD5"].entries()) {
      const client = await field.connect();
      const challenges = (await client.send("DESCRIBE", url)).headers.get("www-authenticate") ?? [];
      expect(challenges.map((challenge) => parameter(challenge, "algorithm"))).toEqual(["SHA-256", "MD5"]);
      client.challenge = challenges[index] ?? "";
      expect(client.authorization("DESCRIBE", url)).toContain(`algorithm=${algorithm}`);
      expect((await client.ask("DESCRIBE", url)).status).toBe(200);
    }
  });

  it("takes the digest of old clients, and offers it alone where it is an old camera", async () => {
    field = await videoField({ digest: "legacy" });
    const client = await field.connect();
    const url = field.server.url("main");
    expect((await client.ask("DESCRIBE", url)).status).toBe(200);
    expect(client.challenge).not.toMatch(/qop|algorithm/);
  });

  it("refuses a wrong password, another address than the request's, and a count that was used", async () => {
    field = await videoField();
    const client = await field.connect();
    const url = field.server.url("main");
    expect((await client.ask("DESCRIBE", url)).status).toBe(200);
    const given = async (authorization: string): Promise<number> =>
      (await client.send("DESCRIBE", url, { Authorization: authorization })).status;
    expect(await given(client.authorization("DESCRIBE", url, { password: "other" }))).toBe(401);
    expect(await given(client.authorization("DESCRIBE", field.server.url("sub")))).toBe(401);
    expect(await given(client.authorization("SETUP", url))).toBe(401);
    expect(await given(client.authorization("DESCRIBE", url, { count: 1 }))).toBe(401);
    expect(await given(client.authorization("DESCRIBE", url, { count: 9 }))).toBe(200);
    expect(
      await given(`Basic ${Buffer.from(`${CREDENTIALS.username}:${CREDENTIALS.password}`).toString("base64")}`),
    ).toBe(401);
    client.challenge = client.challenge.replace(/nonce="[^"]*"/, `nonce="0-${hash("md5", "forged")}"`);
    expect(await given(client.authorization("DESCRIBE", url, { count: 1 }))).toBe(401);
  });

  it("says that a nonce is stale when only its age is wrong", async () => {
    field = await videoField({ nonceLifeMs: 30_000 });
    const client = await field.connect();
    const url = field.server.url("main");
    expect((await client.ask("DESCRIBE", url)).status).toBe(200);
    field.clock.advance(31_000);
    const stale = await client.ask("DESCRIBE", url);
    expect(stale.status).toBe(401);
    const challenge = stale.headers.get("www-authenticate")?.at(-1) ?? "";
    expect(challenge).toContain("stale=true");
    const wrong = await client.send("DESCRIBE", url, {
      Authorization: client.authorization("DESCRIBE", url, { password: "other" }),
    });
    expect(wrong.headers.get("www-authenticate")?.at(-1)).not.toContain("stale");
    client.challenge = challenge;
    expect((await client.ask("DESCRIBE", url)).status).toBe(200);
  });
});
