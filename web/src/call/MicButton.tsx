/** The microphone: on, off, held, or what is wrong with it. With a push-to-talk persona it is held down. */
import type { LocalAudioTrack } from "livekit-client";
import type { MouseEvent, PointerEvent } from "react";
import { Icon } from "../parts/Icon";
import { Meter, MicMeter } from "./MicMeter";
import { isMicProblem, type CallState } from "./state";
import type { TalkKey } from "./talkKey";
import { words } from "../words";

interface Props {
  readonly call: CallState;
  readonly track: LocalAudioTrack | null;
  readonly talkKey: TalkKey;
  readonly onPress: (event: MouseEvent) => void;
}

export function MicButton({ call, track, talkKey, onPress }: Props) {
  const { mic, held, pushToTalk } = call;
  const waiting = pushToTalk && mic === "muted";
  const off = !waiting && (mic === "muted" || mic === "unused" || isMicProblem(mic));
  const label = held ? words().call.mic.talking : waiting ? words().call.mic.hold : words().call.mic[mic];
  const hold = (event: PointerEvent) => {
    if (!waiting) return;
    event.currentTarget.setPointerCapture(event.pointerId); // a finger may slide off while it talks
    talkKey.press();
  };
  const release = () => { if (pushToTalk) talkKey.release(); };
  return (
    <button
      className={`ib mic${off ? " off" : ""}${held ? " held" : ""}`}
      type="button"
      data-talk=""
      aria-label={label}
      aria-keyshortcuts={pushToTalk ? "Space" : "M"}
      title={pushToTalk ? label : `${label} (M)`}
      onClick={onPress}
      onPointerDown={hold}
      onPointerUp={release}
      onPointerCancel={() => { if (pushToTalk) talkKey.cancel(); }}
    >
      <Icon name={off ? "mic-off" : "mic"} />
      {mic === "on" && track !== null ? <MicMeter track={track} /> : waiting ? <span className="lgt">{words().call.mic.holdShort}</span> : <Meter level={0} />}
    </button>
  );
}
