import type { MouseEvent, ReactNode } from "react";
import { useServices } from "../services-context.ts";

/** A link inside the console: a real one, so that it opens in a new tab as links do. */
export function Link(props: {
  readonly to: string;
  readonly className?: string;
  readonly current?: boolean;
  readonly title?: string;
  readonly testId?: string;
  /** It was followed here, also where it leads to what is shown already. */
  readonly onFollow?: (() => void) | undefined;
  readonly children: ReactNode;
}) {
  const { router } = useServices();
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    router.go(props.to);
    props.onFollow?.();
  };
  return (
    <a
      href={props.to}
      className={props.className}
      title={props.title}
      aria-current={props.current === true ? "page" : undefined}
      data-testid={props.testId}
      onClick={follow}
    >
      {props.children}
    </a>
  );
}
