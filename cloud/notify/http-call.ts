import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import type { CheckedAddress, Egress } from "./egress.ts";
import { DeliveryError } from "./errors.ts";

/** The whole call takes no longer. */
const LIMIT_MS = 10_000;
/** More of an answer is not read. */
const LONGEST_ANSWER = 65_536;
const RETRIABLE = new Set([408, 425, 429]);

/** What is sent where. `secret` words are in none of the errors: only the host is told. */
export interface HttpCall {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends by HTTP to addresses that the egress list allows: no redirect is followed, no proxy used, an answer read up to 64 KiB. */
export class HttpSender {
  readonly #egress: Egress;
  readonly #clock: Clock;

  constructor(egress: Egress, clock: Clock) {
    this.#egress = egress;
    this.#clock = clock;
  }

  /**
   * The text of a 2xx answer.
   * @throws EGRESS_* when it may not be sent there, NOTIFY_URL_INVALID, NOTIFY_PLAIN_TEXT for http:// to an address that is not
   * listed, NOTIFY_HTTP_STATUS, NOTIFY_HTTP_FAILED, NOTIFY_TIMEOUT
   */
  async send(call: HttpCall): Promise<string> {
    const url = urlOf(call.url);
    const secure = url.protocol === "https:";
    const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
    const checked = await this.#egress.check(url.hostname.replace(/^\[|\]$/g, ""), port);
    if (!secure && !checked.listed)
      throw new DeliveryError("NOTIFY_PLAIN_TEXT", `${url.host}: http:// only to addresses in the egress list`);
    return await this.#call(call, url, checked);
  }

  #call(call: HttpCall, url: URL, checked: CheckedAddress): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const { method, headers, body } = call;
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }) },
      // A connection of its own to the address that was checked: neither an old one nor a second look-up.
      agent: false,
      lookup: pinned(checked),
    });
    const cancel = this.#clock.after(LIMIT_MS, () => {
      reject(new DeliveryError("NOTIFY_TIMEOUT", `${url.host}: no answer in ${LIMIT_MS} ms`, { retriable: true }));
      request.destroy();
    });
    request.on("error", (error) => reject(failed(url, error)));
    request.on("response", (response) => {
      answerOf(response, url).then(resolve, reject);
    });
    request.end(body);
    return promise.finally(() => {
      cancel();
      request.destroy();
    });
  }
}

function pinned({ address, family }: CheckedAddress): LookupFunction {
  return (_name, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:") || url.username || url.password)
    throw new DeliveryError("NOTIFY_URL_INVALID", "url: expected http(s)://host/... without user and password");
  return url;
}

function failed(url: URL, error: unknown): DeliveryError {
  // The library's text may hold the address with its query: the code says enough.
  return new DeliveryError("NOTIFY_HTTP_FAILED", `${url.host}: ${errorCode(error)}`, { retriable: true });
}

async function answerOf(response: IncomingMessage, url: URL): Promise<string> {
  const status = response.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= LONGEST_ANSWER) break;
    }
  } catch (error) {
    throw failed(url, error);
  }
  if (status >= 200 && status < 300) return Buffer.concat(chunks).subarray(0, LONGEST_ANSWER).toString("utf8");
  const what = status >= 300 && status < 400 ? "a redirect, which is not followed" : "no success";
  throw new DeliveryError("NOTIFY_HTTP_STATUS", `${url.host}: answered ${status}, ${what}`, {
    retriable: status >= 500 || RETRIABLE.has(status),
  });
}
