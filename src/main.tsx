/** @file The page's entry: words and theme first, then the shell, then the engine. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { startEngine } from "./state/engine";
import { startTheme } from "./state/settings";
import "./ui/theme.css";
import { loadWords } from "./ui/words/i18n";

startTheme();
await loadWords();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
startEngine();
