/** The controls below the stage. The microphone comes first, Leave last of the middle. */
import type { LocalAudioTrack } from "livekit-client";
import type { KeyboardEvent, MouseEvent } from "react";
import { Icon } from "../parts/Icon";
import { DockButton } from "./DockButton";
import type { Action } from "./keys";
import { MicButton } from "./MicButton";
import type { CallState } from "./state";
import type { TalkKey } from "./talkKey";
import type { Panel } from "./useControls";
import { canShare } from "./views";
import { words } from "../words";

interface Props {
  readonly call: CallState;
  readonly track: LocalAudioTrack | null;
  readonly talkKey: TalkKey;
  readonly captions: boolean;
  readonly panel: Panel;
  readonly unread: number;
  readonly act: (action: Action | "more", event: MouseEvent) => void;
}

export function Dock({ call, track, talkKey, captions, panel, unread, act }: Props) {
  const press = (action: Action | "more") => (event: MouseEvent) => { act(action, event); };
  const chatLabel = unread > 0 ? words().call.chatNew(unread) : words().chat.title;
  return (
    <footer className="dock" id="ctl" tabIndex={-1}>
      <Hint call={call} onKeys={press("keys")} />
      <div className="mid" role="toolbar" aria-label={words().call.controls} onKeyDown={walk}>
        <MicButton call={call} track={track} talkKey={talkKey} onPress={press("microphone")} />
        <DockButton
          icon={call.camera === "on" ? "video" : "video-off"}
          label={words().call.camera}
          keys="V"
          pressed={call.camera === "on"}
          plain
          onPress={press("camera")}
        />
        {canShare() && (
          <DockButton icon="share" label={words().call.share} keys="S" pressed={call.screen === "on"} wide onPress={press("share")} />
        )}
        {!call.textOnly && <DockButton icon="captions" label={words().call.captions} keys="C" pressed={captions} wide onPress={press("captions")} />}
        <button className="ib smo" type="button" aria-label={words().call.more} title={words().call.more} onClick={press("more")}><Icon name="dots" /></button>
        <button className="btn leave" type="button" aria-keyshortcuts="Shift+L" title={`${words().call.leave} (Shift+L)`} onClick={press("leave")}>
          <Icon name="leave" />
          <span className="lgt">{words().call.leave}</span>
        </button>
      </div>
      <div className="end">
        <DockButton icon="tune" label={words().devices.title} keys="D" wide onPress={press("devices")} />
        {!call.textOnly && (
          <DockButton icon="chat" label={chatLabel} keys="T" pressed={panel === "chat"} count={unread} onPress={press("chat")} />
        )}
        <DockButton icon="pulse" label={words().hood.title} keys="U" pressed={panel === "hood"} wide onPress={press("hood")} />
      </div>
    </footer>
  );
}

function Hint({ call, onKeys }: { call: CallState; onKeys: (event: MouseEvent) => void }) {
  const hint = call.pushToTalk ? words().call.holdToTalk : words().call.holdWhenMuted;
  return (
    <div className="hint">
      {call.held ? (
        <span className="holding" role="status"><Icon name="mic" small />{words().call.held}</span>
      ) : (
        <span className="how"><kbd>{words().keys.space}</kbd> {hint}</span>
      )}
      <button className="mini" type="button" aria-keyshortcuts="?" onClick={onKeys}>{words().call.allKeys}</button>
    </div>
  );
}

/** Arrow keys move inside the toolbar. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  const buttons = [...event.currentTarget.querySelectorAll("button")].filter((button) => button.checkVisibility());
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  buttons.at((at + step) % buttons.length)?.focus();
  event.preventDefault();
}
