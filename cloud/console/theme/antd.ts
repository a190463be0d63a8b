import { type ThemeConfig, theme } from "antd";

const FONT =
  '"Segoe UI", "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Source Han Sans SC", sans-serif';
const SHARED = { fontFamily: FONT, fontSize: 14, borderRadius: 5, motion: false, wireframe: false } as const;

// Kept outside of components: a new object each time would draw every antd component again.
const LIGHT: ThemeConfig = {
  algorithm: theme.defaultAlgorithm,
  token: {
    ...SHARED,
    colorPrimary: "#2c5272",
    colorLink: "#2c5272",
    colorText: "#18222d",
    colorTextPlaceholder: "#5f6b78",
    colorBgContainer: "#ffffff",
    colorBgElevated: "#ffffff",
    colorBorder: "#a9b2bc",
    colorError: "#b3101a",
  },
};
const DARK: ThemeConfig = {
  algorithm: theme.darkAlgorithm,
  token: {
    ...SHARED,
    colorPrimary: "#86b0d3",
    colorLink: "#86b0d3",
    colorText: "#e6eaee",
    colorTextPlaceholder: "#93a0ac",
    colorTextLightSolid: "#0d1720",
    colorBgContainer: "#13181d",
    colorBgElevated: "#1f262d",
    colorBorder: "#4a5663",
    colorError: "#ff8087",
  },
};

/** antd's theme beside our own tokens (tokens.css). */
export const ANTD_THEMES = { light: LIGHT, dark: DARK } as const;
/** antd would put a space into two-character Chinese buttons. */
export const BUTTON_OPTIONS = { autoInsertSpace: false } as const;
