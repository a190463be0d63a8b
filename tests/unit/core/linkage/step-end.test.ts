import { expect, it } from "vitest";
import { together } from "#core/linkage/step-end.ts";

it("is done when every part is, with what the last one produced", () => {
  expect(together([])).toEqual({ status: "done" });
  expect(together([{ status: "done" }, { status: "done", blob: "aa" }])).toEqual({ status: "done", blob: "aa" });
});

it("says how many of its parts failed and what each of those says", () => {
  expect(
    together([
      { status: "done" },
      { status: "timeout", detail: "door-2 stuck" },
      { status: "failed", detail: "door-3" },
    ]),
  ).toEqual({ status: "timeout", detail: "2 of 3 failed; door-2 stuck; door-3" });
  expect(together([{ status: "failed", detail: "no answer" }])).toEqual({ status: "failed", detail: "no answer" });
});
