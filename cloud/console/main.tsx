import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { startTexts, switchTexts } from "./i18n/index.ts";
import { createServices } from "./services.ts";
import "./theme/tokens.css";
import "./theme/base.css";
import "./ui/ui.css";
import "./shell.css";
import "./shell/navigation.css";

const services = createServices();
const { preferences } = services;

/** What of the preferences stands on the page itself. */
function applyPreferences(): void {
  document.documentElement.lang = preferences.language.get();
  document.documentElement.dataset["theme"] = preferences.theme.get();
}

preferences.language.subscribe(() => switchTexts(preferences.language.get()));
preferences.language.subscribe(applyPreferences);
preferences.theme.subscribe(applyPreferences);
applyPreferences();

await startTexts(preferences.language.get());
void services.session.check();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App services={services} />);
