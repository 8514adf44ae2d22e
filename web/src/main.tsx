/** Mounts the page. */
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { settings } from "./embed/settings";
import { keptLanguage, preferred, speak } from "./words";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/scene.css";
import "./styles/devices.css";
import "./styles/lobby.css";
import "./styles/pages.css";
import "./styles/check.css";
import "./styles/embed.css";

const root = document.getElementById("root");
if (root !== null) {
  const { embedded, theme } = settings();
  document.documentElement.classList.toggle("embedded", embedded);
  if (theme !== null) document.documentElement.dataset["theme"] = theme;
  await speak(preferred(location.search, keptLanguage(), navigator.languages));
  createRoot(root).render(<App />);
}
