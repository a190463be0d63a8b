import { vi } from "vitest";

/** Waits until it is so, also in a hook. @throws Error that says what did not come */
export async function eventually(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  await vi.waitFor(
    () => {
      if (!condition()) throw new Error(`did not come: ${what}`);
    },
    { timeout: timeoutMs, interval: 5 },
  );
}
