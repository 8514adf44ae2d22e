/** The head of every page outside a call. */
import { Mark } from "./Mark";

export function Header() {
  return (
    <header className="top">
      <a className="brand" href="/" aria-label="Visavis, home">
        <Mark />
        <span>Visavis</span>
      </a>
    </header>
  );
}
