import { decode } from "jpeg-js";
import type { AlarmDetail, AlarmView } from "#core/contracts/alarms.ts";
import type { ClipView } from "#core/contracts/clips.ts";
import type { DeviceEventView } from "#core/contracts/devices.ts";
import type { RunView } from "#core/contracts/runs.ts";
import { type ApiClient, ApiProblem } from "./api-client.ts";
import { until } from "./park.ts";

/** Every alarm that one definition has ever raised, closed ones too, newest first. */
export async function alarmsOf(client: ApiClient, definition: string): Promise<AlarmView[]> {
  const all = await client.all<AlarmView>("/alarms?state=all");
  return all.filter((alarm) => alarm.definition === definition);
}

/** The newest alarm of a definition when it is as wanted; waits for it. */
export function alarmWhen(
  client: ApiClient,
  definition: string,
  wanted: (alarm: AlarmView) => boolean,
  timeoutMs = 30_000,
): Promise<AlarmView> {
  return until(
    `an alarm ${definition} that is ${wanted.toString()}`,
    async () => {
      const newest = (await alarmsOf(client, definition))[0];
      return newest !== undefined && wanted(newest) ? newest : undefined;
    },
    timeoutMs,
  );
}

/** One alarm with its journal. */
export function alarmDetail(client: ApiClient, id: string): Promise<AlarmDetail> {
  return client.get(`/alarms/${encodeURIComponent(id)}`);
}

/** What a person says with every act: urgent and security alarms need it, and the field is told it. */
export const SAID = "seen";

/** A person's act on an alarm. */
export function act(client: ApiClient, alarm: Pick<AlarmView, "id" | "occurrence">, kind: string): Promise<AlarmView> {
  return client.post(`/alarms/${encodeURIComponent(alarm.id)}/${kind}`, {
    occurrence: alarm.occurrence,
    comment: SAID,
  });
}

/** Acknowledges and resets a security alarm when its condition is gone, and waits until it is closed. */
export async function dealWith(client: ApiClient, definition: string): Promise<void> {
  const alarm = await alarmWhen(client, definition, ({ live }) => !live);
  if (!alarm.acknowledged) await act(client, alarm, "acknowledge");
  if (alarm.condition === "latched") await act(client, alarm, "reset");
  await alarmWhen(client, definition, ({ condition, acknowledged }) => condition === "inactive" && acknowledged);
}

/** The problem document of a request that must be refused; fails when it is not. */
export async function refusal(request: Promise<unknown>): Promise<{ status: number; code: string }> {
  try {
    await request;
  } catch (error) {
    if (error instanceof ApiProblem) return { status: error.problem.status, code: error.problem.code };
    throw error;
  }
  throw new Error("the request was expected to be refused");
}

/** The linkage runs that an alarm started. */
export function runsOf(client: ApiClient, alarm: Pick<AlarmView, "runs">): Promise<RunView[]> {
  return Promise.all(alarm.runs.map((id) => client.get<RunView>(`/runs/${encodeURIComponent(id)}`)));
}

/** Fetches a picture from the API and opens it. Waits for a picture whose bytes are still on their way. */
export async function picture(client: ApiClient, url: string): Promise<{ width: number; height: number; sha: string }> {
  const { contentType, bytes } = await until(`the picture ${url}`, () => client.bytes(url));
  if (contentType !== "image/jpeg") throw new Error(`${url}: expected image/jpeg, got ${contentType}`);
  const { width, height, data } = decode(bytes, { useTArray: true, tolerantDecoding: false });
  if (data.length !== width * height * 4)
    throw new Error(`${url}: a picture of ${width} x ${height} with ${data.length} bytes`);
  return { width, height, sha: await sha256(bytes) };
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes))).toString("hex");
}

/** Fetches a clip from the API: fails unless it is an MP4 with the size and the hash that it is said to have. [ISO 14496-12 4.3] */
export async function video(client: ApiClient, clip: ClipView): Promise<Uint8Array> {
  const { contentType, bytes } = await client.bytes(clip.url);
  if (contentType !== "video/mp4") throw new Error(`${clip.url}: expected video/mp4, got ${contentType}`);
  const sha = await sha256(bytes);
  if (bytes.length !== clip.bytes || sha !== clip.sha256)
    throw new Error(`${clip.url}: ${bytes.length} bytes with ${sha}, told ${clip.bytes} with ${clip.sha256}`);
  const box = Buffer.from(bytes.subarray(4, 8)).toString("latin1");
  if (box !== "ftyp") throw new Error(`${clip.url}: begins with the box ${box}`);
  return bytes;
}

/** Events that a device told, oldest first. */
export async function eventsOf(client: ApiClient, device: string, kind?: string): Promise<DeviceEventView[]> {
  const query = new URLSearchParams({ device, ...(kind === undefined ? {} : { kind }) });
  return (await client.all<DeviceEventView>(`/events?${query.toString()}`)).toReversed();
}

/** What happened to an alarm, in order, each with when the cloud heard of it (Unix ms). */
export async function journalOf(
  client: ApiClient,
  id: string,
): Promise<readonly { readonly transition: string; readonly receivedAt: number }[]> {
  const { journal } = await alarmDetail(client, id);
  return journal.map(({ transition, receivedAt }) => ({ transition, receivedAt: Date.parse(receivedAt) }));
}
