/** The loudspeaker to choose, where the browser lets a page choose, and a button to hear it. */
import { useState } from "react";
import { DeviceSelect } from "./DeviceSelect";
import type { NamedDevice } from "./choice";
import { playTone } from "./speaker";
import { CAN_CHOOSE_SPEAKER } from "./useDevices";
import { words } from "../words";

interface Props {
  readonly list: readonly NamedDevice[];
  readonly value: string;
  readonly onChoose: (id: string) => void;
}

export function SpeakerSelect({ list, value, onChoose }: Props) {
  return (
    <DeviceSelect
      icon="sound"
      title={words().devices.speaker}
      list={list}
      value={value}
      fixed={CAN_CHOOSE_SPEAKER ? undefined : words().devices.systemDefault}
      onChoose={onChoose}
    >
      <ToneButton speaker={value} />
    </DeviceSelect>
  );
}

function ToneButton({ speaker }: { speaker: string }) {
  const [silent, setSilent] = useState(false);
  const play = () => {
    playTone(speaker).then(() => { setSilent(false); }, () => { setSilent(true); });
  };
  return (
    <button className="mini" type="button" aria-label={words().devices.testSpeaker} onClick={play}>
      {silent ? words().devices.noSound : words().devices.test}
    </button>
  );
}
