import { errorCode, errorMessage } from "#core/errors.ts";
import type { ActionRequest, ActionResult } from "../driver.ts";

/** What ends without having been done. */
export type NotDone = Exclude<ActionResult, { readonly status: "done" }>;

/** Nothing reached the device. */
export function rejected(code: string, message: string): NotDone {
  return { status: "rejected", code, message };
}

/** The device refused or did not confirm. */
export function failed(code: string, message: string): NotDone {
  return { status: "failed", code, message };
}

/** What was thrown on the way, as a result. */
export function resultOf(error: unknown): NotDone {
  const code = errorCode(error);
  return { status: code === "ONVIF_TIMEOUT" ? "timeout" : "failed", code, message: errorMessage(error) };
}

/** Done, with a document as what it produced. */
export function doneWithJson(content: unknown): ActionResult {
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  return { status: "done", blob: { contentType: "application/json", bytes } };
}

/** A finite number within limits among the parameters; `absent` where it is not given; undefined where it is anything else. */
export function numberParam(
  params: ActionRequest["params"],
  name: string,
  limits: { readonly minimum: number; readonly maximum: number; readonly absent: number },
): number | undefined {
  const value = params[name];
  if (value === undefined) return limits.absent;
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  return value >= limits.minimum && value <= limits.maximum ? value : undefined;
}

/** A text among the parameters, numbers as they are written; undefined where it is missing, empty or longer than 128. */
export function textParam(params: ActionRequest["params"], name: string): string | undefined {
  const value = params[name];
  if (value === undefined || typeof value === "boolean") return undefined;
  const text = String(value);
  return text === "" || text.length > 128 ? undefined : text;
}
