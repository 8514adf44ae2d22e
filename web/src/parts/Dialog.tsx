/** A modal dialog: the browser keeps the focus inside, Escape closes it, the focus goes back where it was. */
import { useEffect, useId, useRef, type MouseEvent, type ReactNode } from "react";
import { Icon } from "./Icon";
import { words } from "../words";

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Dialog({ title, onClose, children }: Props) {
  const id = useId();
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  const closeOutside = (event: MouseEvent) => {
    if (event.target === box.current) onClose();
  };
  return (
    <dialog ref={box} className="dialog" aria-labelledby={id} onClose={onClose} onClick={closeOutside}>
      <div className="inside">
        <header>
          <h2 id={id}>{title}</h2>
          <button className="ib sm" type="button" aria-label={words().close} onClick={onClose}><Icon name="cross" small /></button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
