/** One kind of device to choose: a native select, so that every keyboard and screen reader knows it. */
import { useId, type ReactNode } from "react";
import { Icon, type IconName } from "../parts/Icon";
import type { NamedDevice } from "./choice";

interface Props {
  readonly icon: IconName;
  readonly title: string;
  readonly list: readonly NamedDevice[];
  readonly value: string;
  readonly onChoose: (id: string) => void;
  /** Said in the list's place when there is nothing to choose. */
  readonly fixed?: string | undefined;
  /** Beside the title: a button to try the device. */
  readonly children?: ReactNode;
}

export function DeviceSelect({ icon, title, list, value, onChoose, fixed, children }: Props) {
  const id = useId();
  return (
    <div className="field">
      <div className="lab">
        <label htmlFor={id}><Icon name={icon} small />{title}</label>
        {children}
      </div>
      <span className="select">
        <select id={id} value={value} disabled={fixed !== undefined} onChange={(event) => { onChoose(event.target.value); }}>
          {fixed !== undefined && <option value={value}>{fixed}</option>}
          {fixed === undefined && list.map((device) => <option key={device.id} value={device.id}>{device.label}</option>)}
        </select>
        <Icon name="down" small />
      </span>
    </div>
  );
}
