import { App } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DefinitionOutcome } from "#core/contracts/definitions.ts";
import { errorText } from "../../api/error-text.ts";

/** Tells how a change ended, and shows what is there now. */
export function useOutcome(onDone: () => void) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<DefinitionOutcome>): Promise<boolean> => {
    setBusy(true);
    try {
      const { status } = await work();
      void message.success(t(status === "done" ? "definition.saved" : "definition.proposed"));
      onDone();
      return true;
    } catch (error) {
      void message.error(errorText(error, t));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, run };
}
