import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";

/** The words on what was just done, above everything, also above a dialog. */
export function ToastList() {
  const { toasts } = useServices();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {useCell(toasts.shown).map(({ id, is, text }) => (
        <p key={id} className={`toast toast-${is}`} data-testid="toast">
          <Icon name={is === "done" ? "check" : "warning"} />
          {text}
        </p>
      ))}
    </div>
  );
}
