import { App } from "antd";
import type { ReactNode } from "react";

/** What pages need that use antd's messages and dialogs by `App.useApp`. Loaded with them: the alarm list does without. */
export default function AntdApp({ children }: { readonly children: ReactNode }) {
  return <App component={false}>{children}</App>;
}
