/** Microphone, camera, speaker and volume, changed while the call goes on. */
import { useEffect, useId, useState } from "react";
import { DeviceSelect } from "../devices/DeviceSelect";
import { LevelBar } from "../devices/LevelBar";
import { SpeakerSelect } from "../devices/SpeakerSelect";
import { useDevices } from "../devices/useDevices";
import type { DeviceKind } from "../devices/choice";
import { Dialog } from "../parts/Dialog";
import { Icon } from "../parts/Icon";
import { ALOUD, keepAloud, loadAloud, parseAloud } from "./aloud";
import type { CallSession } from "./session";
import { useCall } from "./useCall";
import { words } from "../words";

export function DevicesDialog({ session, onClose }: { session: CallSession; onClose: () => void }) {
  const { call } = useCall(session);
  const { lists, choice, choose, look } = useDevices();
  useEffect(() => { look(); }, [look, call.mic, call.camera]);
  const pick = (kind: DeviceKind) => (id: string) => {
    choose(kind, id);
    session.useDevice(kind, id);
  };
  const track = session.own.microphone.track?.mediaStreamTrack ?? null;
  return (
    <Dialog title={words().devices.title} onClose={onClose}>
      <div className="stack">
        <div>
          <DeviceSelect icon="mic" title={words().devices.microphone} list={lists.audioinput} value={choice.audioinput} onChoose={pick("audioinput")} />
          <LevelBar track={track} />
          {call.mic === "muted" && <p className="xs muted">{words().devices.micOff}</p>}
        </div>
        <DeviceSelect icon="video" title={words().devices.camera} list={lists.videoinput} value={choice.videoinput} onChoose={pick("videoinput")} />
        <SpeakerSelect list={lists.audiooutput} value={choice.audiooutput} onChoose={pick("audiooutput")} />
        <Volume session={session} />
        <Reading />
      </div>
    </Dialog>
  );
}

/** For screen readers: when the captions are read. */
function Reading() {
  const id = useId();
  const [aloud, setAloud] = useState(loadAloud);
  return (
    <div className="field">
      <label htmlFor={id}>{words().devices.readAloud}</label>
      <span className="select">
        <select
          id={id}
          value={aloud}
          onChange={(event) => {
            const next = parseAloud(event.target.value);
            keepAloud(next);
            setAloud(next);
          }}
        >
          {ALOUD.map((one) => <option key={one} value={one}>{words().devices.aloud[one]}</option>)}
        </select>
        <Icon name="down" small />
      </span>
    </div>
  );
}

function Volume({ session }: { session: CallSession }) {
  const { name } = session.persona;
  const [volume, setVolume] = useState(() => Math.round(session.media.volume * 100));
  return (
    <label className="volume">
      <span><Icon name={volume === 0 ? "sound-off" : "sound"} small />{words().devices.volume(name)}</span>
      <input
        type="range"
        min={0}
        max={100}
        step={5}
        value={volume}
        onChange={(event) => {
          const next = Number(event.target.value);
          setVolume(next);
          session.media.setVolume(next / 100);
        }}
      />
      <output>{volume} %</output>
    </label>
  );
}
