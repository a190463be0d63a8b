import { useCallback, useEffect, useRef, useState } from "react";
import { systemClock } from "#core/clock.ts";
import type { CommandView } from "#core/contracts/commands.ts";
import { followCommand } from "../api/command-follow.ts";
import { useServices } from "../services-context.ts";

/** A command that this part of the page asked for last, followed until it has ended. */
export interface CommandInHand {
  readonly command: CommandView | "submitting" | undefined;
  /** Why it was refused. */
  readonly error: unknown;
  /** Asks for a command and follows it; resolves with its last state, undefined where it was refused. */
  readonly run: (request: () => Promise<CommandView>) => Promise<CommandView | undefined>;
}

/** Follows one command at a time; a newer one takes the place of what is shown of an older. */
export function useCommand(): CommandInHand {
  const { api } = useServices();
  const [state, setState] = useState<Pick<CommandInHand, "command" | "error">>({
    command: undefined,
    error: undefined,
  });
  const newest = useRef(0);
  useEffect(
    () => () => {
      newest.current = -1;
    },
    [],
  );
  const run = useCallback<CommandInHand["run"]>(
    async (request) => {
      newest.current += 1;
      const mine = newest.current;
      const show = (command: CommandView | "submitting" | undefined, error?: unknown): void => {
        if (newest.current === mine) setState({ command, error });
      };
      show("submitting");
      try {
        return await followCommand({ request, ask: api.command, clock: systemClock, onState: show });
      } catch (error) {
        show(undefined, error);
        return undefined;
      }
    },
    [api],
  );
  return { ...state, run };
}
