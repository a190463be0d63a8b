import type { Clock } from "#core/clock.ts";
import type { CommandView } from "#core/contracts/commands.ts";

/** A command that has not ended yet. */
export function isUnderway(command: Pick<CommandView, "status">): boolean {
  return command.status === "pending" || command.status === "sent";
}

export interface FollowOptions {
  readonly request: () => Promise<CommandView>;
  readonly ask: (id: string) => Promise<CommandView>;
  readonly clock: Clock;
  /** Told of every state, the first included. */
  readonly onState: (command: CommandView) => void;
}

const ASK_EVERY_MS = 400;
/** The cloud itself ends a command at its expiry; so much later we stop asking. */
const PATIENCE_MS = 5000;

/**
 * Requests a command and follows it until it has ended: a write is done only when the field was read back. Resolves with the last
 * state. A question that fails is asked again. @throws ApiError when the request itself is refused
 */
export async function followCommand(options: FollowOptions): Promise<CommandView> {
  const { request, ask, clock, onState } = options;
  let command = await request();
  onState(command);
  const until = clock.monotonic() + Date.parse(command.expiresAt) - Date.parse(command.createdAt) + PATIENCE_MS;
  while (isUnderway(command) && clock.monotonic() < until) {
    await new Promise<void>((resolve) => void clock.after(ASK_EVERY_MS, resolve));
    const next = await ask(command.id).catch(() => command);
    if (next.status !== command.status) onState(next);
    command = next;
  }
  return command;
}
