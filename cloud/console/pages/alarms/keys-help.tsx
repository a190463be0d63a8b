import { Modal } from "antd";
import { useTranslation } from "react-i18next";
import { useBackToList } from "./use-back-to-list.ts";

/** Keys of the alarm list, each with the text `alarm.help.<name>`. */
const KEYS = [
  ["j k ↓ ↑", "move"],
  ["Space", "select"],
  ["Shift+↓ ↑", "range"],
  ["Ctrl+A", "all"],
  ["→ ←", "fold"],
  ["A", "acknowledge"],
  ["R", "reset"],
  ["S", "shelve"],
  ["O", "service"],
  ["C", "comment"],
  ["I", "assign"],
  ["M", "silence"],
  ["/", "search"],
  ["Esc", "back"],
  ["Alt+J", "jump"],
  ["Alt+M", "silenceAnywhere"],
  ["?", "help"],
] as const;

/** The keys, told on demand. */
export default function KeysHelp({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  useBackToList();
  return (
    <Modal open title={t("alarm.help.title")} footer={null} onCancel={onClose}>
      <dl className="keys-help" data-testid="keys-help">
        {KEYS.map(([key, name]) => (
          <div key={name}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(`alarm.help.${name}`)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
