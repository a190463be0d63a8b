import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { buildEnvelope, parseEnvelope } from "#protocols/onvif/codec/envelope.ts";
import { buildSystemDateAndTime } from "#protocols/onvif/codec/time.ts";
import type { XmlElement } from "#protocols/onvif/codec/xml.ts";
import { serveCamera } from "#simulators/servers/onvif.ts";
import { CAMERA, CREDENTIALS, dome, observe, POLL, plainServer } from "./onvif-field.ts";

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/onvif/${name}.xml`, import.meta.url), "utf8");

interface Request {
  readonly path: string;
  readonly action: string | undefined;
  readonly to: string | undefined;
  readonly body: XmlElement;
}

function read(xml: string, path = ""): Request {
  const message = parseEnvelope(xml);
  if (message.kind === "fault") throw new Error("a fault is no request");
  const header = (name: string): string | undefined => message.headers.find((block) => block.name === name)?.text;
  return { path, action: header("Action"), to: header("To"), body: message.body };
}

describe("golden SOAP messages", { timeout: 30_000 }, () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  it("of the Core specification: the driver asks as its example asks, and understands what it answers", async () => {
    const requests: Request[] = [];
    let pulls = 0;
    const answers: Readonly<Record<string, () => string>> = {
      GetSystemDateAndTime: () =>
        buildEnvelope(
          `<tds:GetSystemDateAndTimeResponse>${buildSystemDateAndTime(systemClock.now())}</tds:GetSystemDateAndTimeResponse>`,
        ),
      GetServices: () =>
        buildEnvelope(
          "<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/events/wsdl</tds:Namespace>" +
            "<tds:XAddr>http://160.10.64.10/events</tds:XAddr></tds:Service></tds:GetServicesResponse>",
        ),
      GetDeviceInformation: () => buildEnvelope("<tds:GetDeviceInformationResponse/>"),
      CreatePullPointSubscription: () => fixture("core-create-pull-point-subscription-response"),
      SetSynchronizationPoint: () => buildEnvelope("<tev:SetSynchronizationPointResponse/>"),
      PullMessages: () => {
        pulls++;
        return pulls === 1 ? fixture("core-pull-messages-response") : buildEnvelope("<tev:PullMessagesResponse/>");
      },
      Unsubscribe: () => buildEnvelope("<wsnt:UnsubscribeResponse/>"),
    };
    const device = await plainServer((request, body, response) => {
      const asked = read(body, request.url);
      requests.push(asked);
      response.end(answers[asked.body.name]?.() ?? "");
    });
    closing.push(() => device.close());
    const made = await observe(device.url);
    closing.push(() => made.driver.stop());

    await expect.poll(() => made.events("lineCrossed").length, POLL).toBe(2);
    expect(made.events("lineCrossed")).toMatchObject([
      {
        device: CAMERA,
        sourceTime: Date.UTC(2008, 9, 10, 12, 24, 57, 321),
        data: { Rule: "MyImportantFence1", ObjectId: "15" },
      },
      {
        device: CAMERA,
        sourceTime: Date.UTC(2008, 9, 10, 12, 24, 57, 789),
        data: { Rule: "MyImportantFence2", ObjectId: "19" },
      },
    ]);
    await made.driver.stop();

    const sent = (name: string): Request | undefined => requests.find((request) => request.body.name === name);
    for (const [name, golden] of [
      ["PullMessages", read(fixture("core-pull-messages-request"))],
      ["Unsubscribe", read(fixture("core-unsubscribe-request"))],
    ] as const) {
      expect(sent(name)).toMatchObject({ action: golden.action, to: golden.to, path: "/Subscription?Idx=0" });
      expect(sent(name)?.body.namespace).toBe(golden.body.namespace);
      const children = (request: Request | undefined) => request?.body.children.map((c) => [c.namespace, c.name]);
      expect(children(sent(name))).toEqual(children(golden));
    }
  });

  it("of an independent client: the simulated camera does as asked, once", async () => {
    const camera = dome();
    const xml = fixture("npm-onvif-goto-preset");
    const created = Date.parse(/<Created[^>]*>([^<]+)</.exec(xml)?.[1] ?? "");
    const server = await serveCamera(
      camera,
      { ...CREDENTIALS, clockOffsetMs: created - systemClock.now() },
      silentLogger,
    );
    closing.push(() => server.close());
    const send = (body: string): Promise<Response> => fetch(server.url, { method: "POST", body });

    const tampered = await send(xml.replace("gate-3", "007").replace("<Username>hub", "<Username>hub2"));
    expect(tampered.status).toBe(400);
    const first = await send(xml);
    expect([first.status, read(await first.text()).body.name]).toEqual([200, "GotoPresetResponse"]);
    expect(camera.read("moving")).toBe(true);
    camera.step(10, systemClock.now());
    expect(camera.read("preset")).toBe("gate-3");

    // The same message again is somebody who has listened in.
    const replayed = await send(xml);
    expect([replayed.status, parseEnvelope(await replayed.text())]).toMatchObject([
      400,
      { kind: "fault", fault: { code: "Sender", subcodes: ["NotAuthorized"] } },
    ]);
    server.setClockOffset(0);
    expect((await send(xml.replace("gate-3", "007"))).status).toBe(400);
    const nobody = await send(buildEnvelope("<tds:GetScopes/>"));
    expect([nobody.status, nobody.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("Digest")]);
  });
});
