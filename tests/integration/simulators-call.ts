import { readFileSync } from "node:fs";

/** What the control port answered. */
export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks the control port. */
export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const body = (await response.json()) as Readonly<Record<string, unknown>>;
  return { status: response.status, type: response.headers.get("content-type"), body };
}

/** Content of a JSON file. */
export const json = (file: string): Record<string, never> => JSON.parse(readFileSync(file, "utf8"));
