/** The head of every page outside a call; what it is given stands at its right edge. */
import type { ReactNode } from "react";
import { CloseFrame } from "./CloseFrame";
import { Mark } from "./Mark";
import { words } from "../words";

export function Header({ children }: { readonly children?: ReactNode }) {
  return (
    <header className="top">
      <a className="brand" href="/" aria-label={words().home}>
        <Mark />
        <span>Visavis</span>
      </a>
      {children !== undefined && <><span className="grow" />{children}</>}
      <CloseFrame />
    </header>
  );
}
