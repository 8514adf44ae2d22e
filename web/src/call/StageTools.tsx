/** In the stage's corner: text only, a small window, full screen. Each only where the browser has it. */
import { Icon } from "../parts/Icon";
import type { CallSession } from "./session";
import { canFillScreen, canFloat, fillScreen, float } from "./views";
import { words } from "../words";

export function StageTools({ session, onSwitch }: { session: CallSession; onSwitch: () => void }) {
  const { name } = session.persona;
  const textOnly = words().call.closeAvatar(name);
  return (
    <div className="tr">
      <button className="glassb" type="button" aria-label={words().switching.open} aria-keyshortcuts="N" title={`${words().switching.open} (N)`} onClick={onSwitch}>
        <Icon name="people" small />
      </button>
      <button className="glassb" type="button" aria-label={textOnly} title={textOnly} onClick={() => { session.setTextOnly(true); }}>
        <Icon name="keyboard" small />
      </button>
      {canFloat() && (
        <button className="glassb" type="button" aria-label={words().call.smallWindow} title={words().call.smallWindow} onClick={() => void float(session.media.video)}>
          <Icon name="small-window" small />
        </button>
      )}
      {canFillScreen() && (
        <button className="glassb" type="button" aria-label={words().call.fullScreen} aria-keyshortcuts="F" title={`${words().call.fullScreen} (F)`} onClick={() => void fillScreen()}>
          <Icon name="full-screen" small />
        </button>
      )}
    </div>
  );
}
