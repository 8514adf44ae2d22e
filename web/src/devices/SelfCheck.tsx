/**
 * How one will be seen and heard, before the call. Nothing is opened until it is pressed, the camera
 * starts off, and all is closed again when the call begins.
 */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Icon } from "../parts/Icon";
import type { MicProblem } from "../problems";
import { DeviceSelect } from "./DeviceSelect";
import { LevelBar } from "./LevelBar";
import { SpeakerSelect } from "./SpeakerSelect";
import { useDevices } from "./useDevices";
import { useTrack } from "./useTrack";
import { words } from "../words";

interface Props {
  /** The microphone's permission in a sentence, shown until it is tried. */
  readonly hint: string;
  readonly camera: boolean;
  readonly onCamera: (on: boolean) => void;
}

export function SelfCheck({ hint, camera, onCamera }: Props) {
  const [listening, setListening] = useState(false);
  const { lists, choice, choose, look } = useDevices();
  const mic = useTrack("audio", listening, choice.audioinput, look);
  const lens = useTrack("video", camera, choice.videoinput, look);

  return (
    <div className="selfcheck">
      <Preview track={lens.track} problem={camera ? lens.problem : null}>
        <button
          className="glassb"
          type="button"
          aria-pressed={listening}
          aria-label={words().devices.tryMic}
          title={words().devices.tryMic}
          onClick={() => { setListening(!listening); }}
        >
          <Icon name="mic" small />
        </button>
        <button
          className="glassb"
          type="button"
          aria-pressed={camera}
          aria-label={words().devices.camera}
          title={camera ? words().devices.turnCameraOff : words().devices.turnCameraOn}
          onClick={() => { onCamera(!camera); }}
        >
          <Icon name={camera ? "video" : "video-off"} small />
        </button>
      </Preview>
      <div>
        <DeviceSelect
          icon="mic"
          title={words().devices.microphone}
          list={lists.audioinput}
          value={choice.audioinput}
          onChoose={(id) => { choose("audioinput", id); }}
        />
        <LevelBar track={mic.track} />
        <p className="xs muted" role="status">
          {mic.problem === null ? (mic.track === null ? hint : words().devices.saySomething) : words().devices.tried[mic.problem]}
        </p>
      </div>
      <div className="pair">
        <DeviceSelect
          icon={camera ? "video" : "video-off"}
          title={words().devices.camera}
          list={lists.videoinput}
          value={choice.videoinput}
          fixed={camera ? undefined : words().devices.off}
          onChoose={(id) => { choose("videoinput", id); }}
        />
        <SpeakerSelect list={lists.audiooutput} value={choice.audiooutput} onChoose={(id) => { choose("audiooutput", id); }} />
      </div>
    </div>
  );
}

interface PreviewProps {
  readonly track: MediaStreamTrack | null;
  readonly problem: MicProblem | null;
  readonly children: ReactNode;
}

function Preview({ track, problem, children }: PreviewProps) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = track === null ? null : new MediaStream([track]);
  }, [track]);
  return (
    <div className="preview on-pic">
      <video ref={video} className="mirror" autoPlay playsInline muted aria-label={words().devices.yourCamera} hidden={track === null} />
      {track === null ? (
        <p role="status"><Icon name="video-off" />{problem === null ? words().devices.cameraOff : words().devices.tried[problem]}</p>
      ) : (
        <span className="tag">{words().you}</span>
      )}
      <div className="acts">{children}</div>
    </div>
  );
}
