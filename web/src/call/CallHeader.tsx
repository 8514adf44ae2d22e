/** Who one talks to, that it is an AI, how the connection is, how long it lasts. */
import { CloseFrame } from "../parts/CloseFrame";
import { Icon } from "../parts/Icon";
import { Mark } from "../parts/Mark";
import { QualityBadge } from "./QualityBadge";
import type { CallSession } from "./session";
import { duration } from "./time";
import { useCall } from "./useCall";
import { useNow } from "./useNow";
import { fromServer, words } from "../words";

export function CallHeader({ session }: { session: CallSession }) {
  const { call } = useCall(session);
  const { persona } = session;
  const disclosure = fromServer({ detail: call.disclosure ?? persona.disclosure });
  return (
    <header className="top">
      <span className="brand"><Mark /></span>
      <span className="sep" />
      <span className="who">
        {persona.name} <span className="muted lg">· {persona.role}</span>
        <span className="aiph">{disclosure}</span>
      </span>
      <span className="grow" />
      <span className="chip ai">
        <b aria-hidden="true">{words().ai}</b>
        <span className="lgt">{disclosure}</span>
      </span>
      <QualityBadge session={session} />
      <CallTime since={call.liveSince} />
      <CloseFrame onClose={() => { session.leave(); }} />
    </header>
  );
}

function CallTime({ since }: { since: number | null }) {
  const now = useNow(1000);
  return (
    <span className="chip time">
      <Icon name="clock" small />
      <span className="vh">{words().call.time} </span>
      {duration(since === null ? 0 : now - since)}
    </span>
  );
}
