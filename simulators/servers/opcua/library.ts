/** The library's server half. Loaded in a thread of its own: it takes a second of computing and 100 MB. */
export type Library = typeof import("node-opcua");

/** Loads the library; what it would print is told instead. */
export async function loadLibrary(say: (level: "debug" | "warn", detail: string) => void): Promise<Library> {
  const library = await import("node-opcua");
  const teller =
    (level: "debug" | "warn") =>
    (...words: unknown[]): void => {
      const detail = words.filter((word) => typeof word === "string").join(" ");
      say(level, detail.slice(0, 500));
    };
  library.setWarningLogger(teller("debug"));
  library.setErrorLogger(teller("warn"));
  return library;
}
