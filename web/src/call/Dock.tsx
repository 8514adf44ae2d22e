/** The controls below the stage. The microphone comes first, Leave last of the middle. */
import type { LocalAudioTrack } from "livekit-client";
import type { MouseEvent } from "react";
import { Icon } from "../parts/Icon";
import { Meter, MicMeter } from "./MicMeter";
import { isMicProblem, type CallState, type MicStatus } from "./state";

type Press = (event: MouseEvent) => void;

interface Props {
  readonly call: CallState;
  readonly track: LocalAudioTrack | null;
  readonly captions: boolean;
  readonly chat: boolean;
  readonly unread: number;
  readonly onMicrophone: Press;
  readonly onCaptions: Press;
  readonly onChat: Press;
  readonly onLeave: Press;
}

export function Dock(props: Props) {
  const { call, track, captions, chat, unread, onMicrophone, onCaptions, onChat, onLeave } = props;
  const chatLabel = unread > 0 ? `Chat, ${unread} new` : "Chat";
  return (
    <footer className="dock" id="ctl" tabIndex={-1}>
      <p className="hint">
        {call.mic === "muted" && <><kbd>Space</kbd> hold to talk when muted</>}
      </p>
      <div className="mid" role="toolbar" aria-label="Call controls">
        <MicButton mic={call.mic} track={track} onPress={onMicrophone} />
        <button
          className={captions ? "ib on" : "ib"}
          type="button"
          aria-label="Captions"
          aria-pressed={captions}
          aria-keyshortcuts="C"
          title="Captions (C)"
          onClick={onCaptions}
        >
          <Icon name="captions" />
        </button>
        <button className="btn leave" type="button" aria-keyshortcuts="Shift+L" title="Leave (Shift+L)" onClick={onLeave}>
          <Icon name="leave" />
          <span className="lgt">Leave</span>
        </button>
      </div>
      <div className="end">
        <button
          className={chat ? "ib on" : "ib"}
          type="button"
          aria-label={chatLabel}
          aria-pressed={chat}
          aria-keyshortcuts="T"
          title={`${chatLabel} (T)`}
          onClick={onChat}
        >
          <Icon name="chat" />
          {unread > 0 && <span className="dot">{Math.min(unread, 99)}</span>}
        </button>
      </div>
    </footer>
  );
}

interface MicButtonProps {
  readonly mic: MicStatus;
  readonly track: LocalAudioTrack | null;
  readonly onPress: Press;
}

function MicButton({ mic, track, onPress }: MicButtonProps) {
  const off = mic === "muted" || mic === "unused" || isMicProblem(mic);
  const label = {
    asking: "Waiting for the microphone",
    on: "Turn microphone off",
    muted: "Turn microphone on",
    unused: "Use the microphone",
    refused: "Microphone blocked. Try again",
    missing: "No microphone found. Look again",
    busy: "Microphone in use. Try again",
    gone: "The microphone went away. Look again",
    insecure: "The microphone needs a secure page",
  }[mic];
  return (
    <button
      className={`ib mic${off ? " off" : ""}`}
      type="button"
      aria-label={label}
      aria-keyshortcuts="M"
      title={`${label} (M)`}
      onClick={onPress}
    >
      <Icon name={off ? "mic-off" : "mic"} />
      {mic === "on" && track !== null ? <MicMeter track={track} /> : <Meter level={0} />}
    </button>
  );
}
