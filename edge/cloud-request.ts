import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";

export interface CloudRequest {
  readonly method: "GET" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Ends the request, and the reading of its answer. */
  readonly signal: AbortSignal;
}

/**
 * Asks the cloud by HTTP; resolves with the head of the answer, its body still to be read or destroyed. Follows no redirect: the
 * credential goes to this address only. The global `fetch` does the same but takes 20 MB for the life of the process.
 * @throws the system's error, or AbortError
 */
export function askCloud(url: URL, { method, headers, body, signal }: CloudRequest): Promise<IncomingMessage> {
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    // requests are rare: a connection kept for the next one would be closed by then
    const options = { method, headers, signal, agent: false as const };
    const sent = secure ? httpsRequest(url, options) : httpRequest(url, options);
    sent.once("response", resolve);
    // stays: what follows the answer, such as the end of an unread body, is no news
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Was it done? */
export function succeeded({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}
