import { Component, type ReactNode } from "react";

interface Props {
  readonly children: ReactNode;
  /** Shown instead when a part of the page throws. */
  readonly fallback: ReactNode;
}

/** Keeps a fault of one page from taking the alarm bar and the navigation with it. */
export class PageBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
