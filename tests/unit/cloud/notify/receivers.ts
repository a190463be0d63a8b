import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

/** A request as it came over the wire. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An HTTP server on loopback that keeps what it is sent and answers as it is told. */
export class HttpReceiver {
  readonly received: Received[] = [];
  /** Answers one request; 200 with `{"errcode":0,"code":0}` unless changed. */
  answer: (response: ServerResponse, request: Received) => void = (response) => {
    response.end('{"errcode":0,"code":0}');
  };
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<HttpReceiver> {
    const server = createServer();
    const receiver = new HttpReceiver(server);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        const one = { method, url, headers, body: Buffer.concat(chunks).toString("utf8") };
        receiver.received.push(one);
        receiver.answer(response, one);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A mail as a mail server took it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly secure: boolean;
  readonly source: string;
}

/** Who may sign in at a mail server, and what it shows. */
export interface MailLogin {
  readonly user: string;
  readonly password: string;
  readonly cert: string;
  readonly key: string;
  /** TLS from the first byte on; STARTTLS when absent. */
  readonly secure?: boolean;
}

/** A mail server on loopback (the `smtp-server` package). */
export class MailReceiver {
  readonly received: ReceivedMail[] = [];
  /** What the server says to the message; undefined takes it. */
  refusal: (Error & { responseCode: number }) | undefined;
  readonly #server: SMTPServer;

  private constructor(server: (receiver: MailReceiver) => SMTPServer) {
    this.#server = server(this);
  }

  /** `login`: the only account, with the server's certificate; absent: nobody signs in and there is no TLS. */
  static async start(login?: MailLogin): Promise<MailReceiver> {
    const receiver = new MailReceiver(
      (self) =>
        new SMTPServer({
          authOptional: login === undefined,
          ...(login === undefined
            ? { disabledCommands: ["AUTH", "STARTTLS"] }
            : { cert: login.cert, key: login.key, secure: login.secure === true }),
          onAuth(auth, _session, callback) {
            if (auth.username === login?.user && auth.password === login?.password)
              callback(null, { user: auth.username });
            else callback(new Error("wrong"));
          },
          onData(stream, session, callback) {
            const chunks: Buffer[] = [];
            stream.on("data", (chunk: Buffer) => chunks.push(chunk));
            stream.on("end", () => {
              if (self.refusal === undefined)
                self.received.push({
                  from: session.envelope.mailFrom === false ? "" : session.envelope.mailFrom.address,
                  to: session.envelope.rcptTo.map(({ address }) => address),
                  user: session.user,
                  secure: session.secure,
                  source: Buffer.concat(chunks).toString("utf8"),
                });
              callback(self.refusal ?? null);
            });
          },
        }),
    );
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server.server, "listening");
    return receiver;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
