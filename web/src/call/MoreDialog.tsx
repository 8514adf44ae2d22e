/** On narrow screens: the controls that the dock has no room for. */
import { Dialog } from "../parts/Dialog";
import { Icon, type IconName } from "../parts/Icon";
import type { Action } from "./keys";
import type { CallSession } from "./session";
import { useCall } from "./useCall";
import { canFillScreen, canFloat, canShare, float } from "./views";
import { words } from "../words";

interface Props {
  readonly session: CallSession;
  readonly captions: boolean;
  readonly act: (action: Action) => void;
  readonly onClose: () => void;
}

export function MoreDialog({ session, captions, act, onClose }: Props) {
  const { call } = useCall(session);
  const { name } = session.persona;
  const then = (what: () => void) => () => {
    onClose();
    what();
  };
  const item = (icon: IconName, label: string, what: () => void) => (
    <li><button className="btn quiet wide" type="button" onClick={then(what)}><Icon name={icon} small />{label}</button></li>
  );
  return (
    <Dialog title={words().call.more} onClose={onClose}>
      <ul className="more">
        {!call.textOnly && item("captions", captions ? words().call.hideCaptions : words().call.showCaptions, () => { act("captions"); })}
        {canShare() && item("share", call.screen === "on" ? words().call.stopSharing : words().call.share, () => { act("share"); })}
        {!call.textOnly && item("people", words().switching.open, () => { act("switch"); })}
        {item("tune", words().devices.title, () => { act("devices"); })}
        {!call.textOnly && item("keyboard", words().call.closeAvatar(name), () => { session.setTextOnly(true); })}
        {canFloat() && !call.textOnly && item("small-window", words().call.smallWindow, () => void float(session.media.video))}
        {canFillScreen() && item("full-screen", words().call.fullScreen, () => { act("fullScreen"); })}
        {item("pulse", words().hood.title, () => { act("hood"); })}
      </ul>
    </Dialog>
  );
}
