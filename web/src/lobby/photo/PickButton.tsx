/** A button that opens the device's file picker, or its camera where there is one. */
import { useRef } from "react";
import { Icon, type IconName } from "../../parts/Icon";
import { ACCEPT } from "./state";

interface Props {
  readonly icon: IconName;
  readonly label: string;
  readonly main?: boolean;
  /** Open the camera; means nothing where there is none built in, so offer it on touch devices only. */
  readonly camera?: boolean;
  readonly onPick: (files: readonly File[]) => void;
}

export function PickButton({ icon, label, main = false, camera = false, onPick }: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        className={main ? "btn pri" : "btn"}
        type="button"
        onClick={() => { input.current?.click(); }}
      >
        <Icon name={icon} small />{label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        accept={ACCEPT}
        capture={camera ? "user" : undefined}
        aria-label={label}
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          currentTarget.value = ""; // so that the same file can be chosen again
          if (files.length > 0) onPick(files);
        }}
      />
    </>
  );
}
