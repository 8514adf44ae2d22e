/** Mounts the page. */
import { createRoot } from "react-dom/client";
import { App } from "./App";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/scene.css";
import "./styles/lobby.css";
import "./styles/pages.css";

const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<App />);
