import { decode } from "jpeg-js";
import type { AlarmDetail, AlarmView, RunView } from "#core/contracts/http.ts";
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

/** A person's act on an alarm. */
export function act(client: ApiClient, alarm: Pick<AlarmView, "id" | "occurrence">, kind: string): Promise<AlarmView> {
  return client.post(`/alarms/${encodeURIComponent(alarm.id)}/${kind}`, { occurrence: alarm.occurrence });
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
  const digest = await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes));
  return { width, height, sha: Buffer.from(digest).toString("hex") };
}
