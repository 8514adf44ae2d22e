/** A round button of the dock; one that stays pressed says so with a bar, not with colour alone. */
import type { MouseEvent } from "react";
import { Icon, type IconName } from "../parts/Icon";

interface Props {
  readonly icon: IconName;
  readonly label: string;
  readonly keys: string;
  readonly pressed?: boolean;
  /** Shown as many as there are, unless none. */
  readonly count?: number;
  /** Left to the menu on narrow screens. */
  readonly wide?: boolean;
  /** Its icon says whether it is on: no bar, no tint. */
  readonly plain?: boolean;
  readonly onPress: (event: MouseEvent) => void;
}

export function DockButton({ icon, label, keys, pressed, count = 0, wide = false, plain = false, onPress }: Props) {
  const classes = ["ib", pressed === true && !plain && "on", wide && "lg"].filter(Boolean).join(" ");
  return (
    <button
      className={classes}
      type="button"
      aria-label={label}
      aria-pressed={pressed}
      aria-keyshortcuts={keys}
      title={`${label} (${keys})`}
      onClick={onPress}
    >
      <Icon name={icon} />
      {count > 0 && <span className="dot">{Math.min(count, 99)}</span>}
    </button>
  );
}
