import { describe, expect, it } from "vitest";
import { ApiClient, ApiError } from "#cloud/console/api/client.ts";
import { followCommand } from "#cloud/console/api/command-follow.ts";
import { SessionStore } from "#cloud/console/api/session-store.ts";
import type { CommandView } from "#core/contracts/commands.ts";
import type { Session } from "#core/contracts/session.ts";
import { ManualClock } from "#tests/manual-clock.ts";

interface Seen {
  readonly url: string;
  readonly init: RequestInit | undefined;
}

/** A client before a server that answers everything alike. */
function clientOf(answer: () => Promise<Response> | Response) {
  const seen: Seen[] = [];
  let signedOut = 0;
  const client = new ApiClient({
    base: "/api/v1",
    csrfToken: () => "token-1",
    onUnauthenticated: () => {
      signedOut += 1;
    },
    fetch: async (input, init) => {
      seen.push({ url: String(input), init });
      return answer();
    },
  });
  return { client, seen, signedOut: () => signedOut };
}
const problem = (status: number, code: string): Response =>
  Response.json({ type: "about:blank", title: "x", status, code, detail: `because of ${code}` }, { status });

describe("a call of the API", () => {
  it("sends the CSRF token with what changes something, and only then", async () => {
    const { client, seen } = clientOf(() => Response.json({}));
    await client.call("GET", "/alarms", { query: { limit: 5, q: "a b", none: undefined } });
    await client.call("POST", "/commands", { body: { value: 1 } });
    expect(seen[0]?.url).toBe("/api/v1/alarms?limit=5&q=a+b");
    expect(seen[0]?.init?.headers).not.toHaveProperty("x-csrf-token");
    expect(seen[1]?.init?.headers).toMatchObject({ "x-csrf-token": "token-1", "content-type": "application/json" });
  });

  it("gives nothing for an answer without content", async () => {
    const { client } = clientOf(() => new Response(null, { status: 204 }));
    expect(await client.call("DELETE", "/session")).toBeUndefined();
  });

  it("turns a problem document into its code", async () => {
    const { client } = clientOf(() => problem(409, "ALARM_OCCURRENCE_STALE"));
    const error = await client.call("POST", "/alarms/1/acknowledge").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "ALARM_OCCURRENCE_STALE", status: 409, retriable: false });
  });

  it("says that nobody is signed in any more, but not because a sign-in was refused", async () => {
    const { client, signedOut } = clientOf(() => problem(401, "UNAUTHENTICATED"));
    await client.call("POST", "/session").catch(() => undefined);
    expect(signedOut()).toBe(0);
    await client.call("GET", "/alarms").catch(() => undefined);
    expect(signedOut()).toBe(1);
  });

  it("is OFFLINE when the cloud cannot be reached, or a proxy answers for it", async () => {
    const broken = clientOf(() => Promise.reject(new TypeError("fetch failed")));
    await expect(broken.client.call("GET", "/alarms")).rejects.toMatchObject({ code: "OFFLINE", retriable: true });
    const proxy = clientOf(() => new Response("<html>", { status: 502 }));
    await expect(proxy.client.call("GET", "/alarms")).rejects.toMatchObject({ code: "OFFLINE", status: 502 });
  });
});

const SESSION: Session = {
  user: { name: "op", displayName: "Operator" },
  grants: [],
  permissions: ["alarm.read"],
  csrfToken: "t",
  expiresAt: "2026-11-21T20:00:00.000Z",
  site: { id: "park", timeZone: "Asia/Shanghai" },
};

describe("the session of the page", () => {
  const store = (session: () => Promise<Session>) =>
    new SessionStore({ session, signIn: async () => SESSION, signOut: async () => undefined });
  const refused = async (): Promise<Session> => {
    throw new ApiError("UNAUTHENTICATED", "", 401);
  };

  it("is that of the cookie when it still counts", async () => {
    const session = store(async () => SESSION);
    await session.check();
    expect(session.state.get()).toMatchObject({ is: "in", permissions: new Set(["alarm.read"]) });
    expect(session.csrfToken()).toBe("t");
  });

  it("is out without being called expired when nobody was signed in", async () => {
    const session = store(refused);
    await session.check();
    expect(session.state.get()).toEqual({ is: "out", expired: false });
  });

  it("says that it has expired when somebody was signed in", async () => {
    const session = store(refused);
    await session.signIn("op", "secret");
    await session.check();
    expect(session.state.get()).toEqual({ is: "out", expired: true });
    expect(session.csrfToken()).toBeUndefined();
  });

  it("is not ended by a cloud that cannot be reached", async () => {
    const session = store(async () => {
      throw new ApiError("OFFLINE", "", 0);
    });
    await session.check();
    expect(session.state.get()).toEqual({ is: "unreachable" });
    await session.signIn("op", "secret");
    await session.check();
    expect(session.state.get().is).toBe("in");
  });
});

describe("a command that is followed", () => {
  const view = (status: CommandView["status"]): CommandView => ({
    id: "c1",
    status,
    requestedBy: "op",
    createdAt: "2026-11-21T08:00:00.000Z",
    expiresAt: "2026-11-21T08:00:30.000Z",
  });

  /** Lets the waits of the follower pass until it has ended. */
  async function follow(answers: readonly (CommandView["status"] | "unreachable")[]) {
    const clock = new ManualClock(1_800_000_000_000);
    const states: string[] = [];
    let asked = 0;
    const ended = followCommand({
      clock,
      request: async () => view("pending"),
      ask: async () => {
        const status = answers[Math.min(asked++, answers.length - 1)] ?? "pending";
        if (status === "unreachable") throw new ApiError("OFFLINE", "", 0);
        return view(status);
      },
      onState: ({ status }) => states.push(status),
    });
    let over = false;
    void ended.then(() => {
      over = true;
    });
    for (let i = 0; i < 500 && !over; i++) {
      clock.advance(400);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { last: await ended, states };
  }

  it("tells each state once, until the field has answered", async () => {
    const { last, states } = await follow(["pending", "sent", "sent", "done"]);
    expect(states).toEqual(["pending", "sent", "done"]);
    expect(last.status).toBe("done");
  });

  it("asks again when a question fails", async () => {
    const { last } = await follow(["sent", "unreachable", "failed"]);
    expect(last.status).toBe("failed");
  });

  it("stops asking some time after the command must have expired", async () => {
    const { last } = await follow(["sent"]);
    expect(last.status).toBe("sent");
  });
});
