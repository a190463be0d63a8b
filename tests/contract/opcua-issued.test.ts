import { expect, it } from "vitest";
import { deviceId } from "#core/ids.ts";
import type { ActionResult } from "#protocols/driver.ts";
import { never, nodePoints, POLL, panelField, point } from "./opcua-field.ts";

it("an OPC UA server whose certificate an authority issued waits for a person, and is trusted as that one certificate", async () => {
  const field = await panelField({ server: { issued: true } });
  try {
    const listed = (trust: string) =>
      (field.recording.certificates.at(-1) ?? []).filter((certificate) => certificate.trust === trust);
    const act = (action: string): Promise<ActionResult> =>
      field.driver.act({ device: deviceId("park/gw-1/opcua-1"), action, params: { thumbprint } }, never);
    const state = () => field.recording.states.at(-1);
    await field.bind(nodePoints(["Float"]), { trustOnFirstUse: false });
    await expect.poll(state, POLL).toMatchObject({ online: false, reason: "certificateUntrusted" });
    await expect.poll(() => listed("rejected"), POLL).toMatchObject([{ issuer: "CN=Authority of nobody" }]);
    const thumbprint = listed("rejected")[0]?.thumbprint ?? "";
    expect(await act("trustCertificate")).toEqual({ status: "done" });
    await expect.poll(state, POLL).toMatchObject({ online: true });
    await expect.poll(() => field.recording.latest(point("Float")), POLL).toMatchObject({ quality: "good" });
    expect(await act("rejectCertificate")).toEqual({ status: "done" });
    await expect.poll(state, POLL).toMatchObject({ online: false, reason: "certificateUntrusted" });
  } finally {
    await field.close();
  }
}, 60_000);
