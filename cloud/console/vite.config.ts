import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The console's build. While working on it: `vite build cloud/console --watch` beside a running hub, which serves `dist`. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
});
