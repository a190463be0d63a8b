import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DoorView } from "#core/contracts/doors.ts";
import { newId } from "#core/ids.ts";
import type { DoorOperation } from "#core/model/door.ts";
import { shortTime } from "../../i18n/format.ts";
import { named } from "../../i18n/language.ts";
import { DRASTIC, modeOf, operationsOf } from "../../live/door-order.ts";
import { useCell, useNow } from "../../live/hooks.ts";
import { addressOf } from "../../router.ts";
import { useServices } from "../../services-context.ts";
import { CommandStatus } from "../../ui/command-status.tsx";
import { ConfirmDialog } from "../../ui/confirm-dialog.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Link } from "../../ui/link.tsx";
import { useCommand } from "../../ui/use-command.ts";
import { useNames } from "../../ui/use-names.ts";
import { DoorState } from "./door-state.tsx";

interface Props {
  readonly door: DoorView;
  readonly selected: boolean;
  /** Another door is being operated: one at a time. */
  readonly busy: boolean;
  readonly onBusy: (busy: boolean) => void;
  readonly onSelect: () => void;
}

/** One door: how it stands, and what may be asked of it now. */
export function DoorCard({ door, selected, busy, onBusy, onSelect }: Props) {
  const { t } = useTranslation();
  const { session } = useServices();
  const { language, place } = useNames();
  const now = useNow(60_000);
  const permissions = useCell(session.state);
  const may = (permission: string): boolean => permissions.is === "in" && permissions.permissions.has(permission);
  return (
    <article
      className={`panel door${selected ? " door-selected" : ""}`}
      data-testid="door"
      data-door={door.id}
      data-state={door.state ?? ""}
      aria-label={named(door, language)}
    >
      <div className="door-head">
        <h3>
          <button type="button" className="plain cell-link" aria-pressed={selected} onClick={onSelect}>
            {named(door, language)}
          </button>
        </h3>
        {door.escape && (
          <span className="tag">
            <Icon name="run" />
            {t("door.escape")}
          </span>
        )}
        {door.camera !== undefined && may("video.view") && (
          <Link to={addressOf("/video", { camera: door.camera })} className="plain" title={t("door.video")}>
            <Icon name="video" />
            <span className="visually-hidden">{t("door.video")}</span>
          </Link>
        )}
      </div>
      <p className="soft door-where">{place(door.space)}</p>
      <DoorState door={door} />
      <p className="soft door-since">
        {door.online
          ? door.since === undefined
            ? ""
            : t("door.since", { time: shortTime(door.since, now) })
          : t("door.offline")}
      </p>
      <DoorOperations door={door} may={may("door.control")} busy={busy} onBusy={onBusy} onAsked={onSelect} />
    </article>
  );
}

function DoorOperations(props: {
  readonly door: DoorView;
  readonly may: boolean;
  readonly busy: boolean;
  readonly onBusy: (busy: boolean) => void;
  readonly onAsked: () => void;
}) {
  const { door, may, busy, onBusy, onAsked } = props;
  const { t } = useTranslation();
  const { api } = useServices();
  const { language } = useNames();
  const [asked, setAsked] = useState<DoorOperation>();
  const [last, setLast] = useState<DoorOperation>();
  const [own, setOwn] = useState(false);
  const { command, error, run } = useCommand();
  const operations = operationsOf(door);
  const operate = async (operation: DoorOperation, reason: string | undefined): Promise<void> => {
    setAsked(undefined);
    setLast(operation);
    setOwn(true);
    onBusy(true);
    onAsked();
    const body = { operation, idempotencyKey: newId(Date.now()), ...(reason === undefined ? {} : { reason }) };
    await run(() => api.operateDoor(door.id, body));
    setOwn(false);
    onBusy(false);
  };
  if (!may) return <p className="soft door-note">{t("door.mayNot")}</p>;
  const mode = t(`door.mode.${modeOf(door)}`);
  return (
    <>
      {operations.length === 0 && <p className="soft door-note">{t("door.nothing")}</p>}
      <div className="door-operations">
        {operations.map((operation, index) => (
          <Button
            key={operation}
            size="small"
            type={index === 0 ? "primary" : "default"}
            disabled={own || busy}
            title={t(`door.operationHint.${operation}`)}
            data-testid={`door-${operation}`}
            onClick={() => setAsked(operation)}
          >
            {t(`door.operation.${operation}`)}
          </Button>
        ))}
      </div>
      <CommandStatus
        name="door"
        command={command}
        error={error}
        label={last === undefined ? undefined : t(`door.operation.${last}`)}
      />
      {asked !== undefined && (
        <ConfirmDialog
          name="door"
          title={t("door.confirmTitle", { operation: t(`door.operation.${asked}`), door: named(door, language) })}
          confirmText={t("door.confirm")}
          reasonLabel={t("door.reason")}
          danger={DRASTIC.has(asked)}
          onCancel={() => setAsked(undefined)}
          onConfirm={(reason) => void operate(asked, reason)}
        >
          <p className="door-hint">{t(`door.operationHint.${asked}`)}</p>
          <dl className="facts door-facts">
            <dt>{t("door.now")}</dt>
            <dd>{mode}</dd>
          </dl>
        </ConfirmDialog>
      )}
    </>
  );
}
