import { isIP } from "node:net";
import type { Clock } from "#core/clock.ts";
import type { EmailChannel } from "#core/contracts/notify-channel.ts";
import type { Egress } from "./egress.ts";
import { DeliveryError } from "./errors.ts";

const LIMIT_MS = 10_000;
const WHOLE_LIMIT_MS = 30_000;

/** One mail. */
export interface Mail {
  readonly id: string;
  readonly to: string;
  readonly title: string;
  readonly text: string;
  readonly urgent: boolean;
}

/** What nodemailer tells of a failure. */
interface SmtpFault {
  readonly code?: unknown;
  readonly responseCode?: unknown;
  readonly command?: unknown;
}

/**
 * Sends one mail over a connection of its own, to the address that was checked.
 * @throws EGRESS_*, NOTIFY_PLAIN_TEXT, NOTIFY_SECRET_MISSING, NOTIFY_SMTP (retriable unless the server refused for good)
 */
export async function sendMail(
  { egress, clock }: { readonly egress: Egress; readonly clock: Clock },
  channel: EmailChannel,
  password: string | undefined,
  mail: Mail,
): Promise<void> {
  const { host, port, security, user, from } = channel;
  const checked = await egress.check(host, port);
  if (security === "none" && (!checked.listed || user !== undefined))
    throw new DeliveryError(
      "NOTIFY_PLAIN_TEXT",
      `${host}: mail without TLS only to addresses in the egress list and without a password`,
    );
  if (user !== undefined && password === undefined)
    throw new DeliveryError("NOTIFY_SECRET_MISSING", `${host}: the mail account has no password`);
  // Most processes never send a mail.
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    host: checked.address,
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    tls: { minVersion: "TLSv1.2", ...(isIP(checked.host) === 0 ? { servername: checked.host } : {}) },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? "" } }),
    connectionTimeout: LIMIT_MS,
    greetingTimeout: LIMIT_MS,
    socketTimeout: LIMIT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const sent = transport.sendMail({
    from: { name: "Parkhub", address: from },
    to: { name: "", address: mail.to },
    subject: mail.title.slice(0, 250),
    text: mail.text,
    // The same at each try: a mail server or reader that sees it twice can know.
    messageId: `<${mail.id}@${from.slice(from.indexOf("@") + 1)}>`,
    priority: mail.urgent ? "high" : "normal",
    headers: { "Auto-Submitted": "auto-generated", "X-Parkhub-Delivery": mail.id },
  });
  // The library limits each stage only: a server that drips would hold us for ever.
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(WHOLE_LIMIT_MS, () =>
    reject(new DeliveryError("NOTIFY_TIMEOUT", `${host}: the mail was not taken in time`, { retriable: true })),
  );
  try {
    await Promise.race([sent, late]);
  } catch (error) {
    throw error instanceof DeliveryError ? error : smtpError(host, error as SmtpFault);
  } finally {
    cancel();
    transport.close();
  }
}

function smtpError(host: string, { code, responseCode, command }: SmtpFault): DeliveryError {
  const said = [code, responseCode, command].filter((part) => typeof part === "string" || typeof part === "number");
  // [RFC 5321 4.2.1] 5yz: the same again will be refused again; a wrong password too.
  const forGood = typeof responseCode === "number" && responseCode >= 500;
  return new DeliveryError("NOTIFY_SMTP", `${host}: ${said.join(" ") || "failed"}`, { retriable: !forGood });
}
