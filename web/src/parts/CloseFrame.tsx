/** In another page's frame: the button that puts it away. Elsewhere there is none. */
import { askToClose, settings } from "../embed/settings";
import { words } from "../words";
import { Icon } from "./Icon";

export function CloseFrame({ onClose }: { readonly onClose?: () => void }) {
  if (!settings().embedded) return null;
  const close = () => {
    onClose?.();
    askToClose();
  };
  return (
    <button className="ib sm" type="button" aria-label={words().close} title={words().close} onClick={close}>
      <Icon name="cross" small />
    </button>
  );
}
