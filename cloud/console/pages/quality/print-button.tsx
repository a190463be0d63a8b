import { Button } from "antd";
import { useTranslation } from "react-i18next";

/** Opens the browser's own print dialog, which makes a PDF too. */
export function PrintButton() {
  const { t } = useTranslation();
  return (
    <Button data-testid="print" onClick={() => window.print()}>
      {t("alarmQuality.print")}
    </Button>
  );
}
