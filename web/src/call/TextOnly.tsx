/** The avatar is closed: one column of writing, and the way back to the face. */
import { Portrait } from "../parts/Portrait";
import { Icon } from "../parts/Icon";
import { Compose } from "./Compose";
import { History } from "./History";
import type { CallSession } from "./session";
import { useCall } from "./useCall";
import { words } from "../words";

export function TextOnly({ session }: { session: CallSession }) {
  const { talk, call } = useCall(session);
  const { persona } = session;
  return (
    <section className="card textonly" aria-label={words().chat.title}>
      <header>
        <span className="thumb"><Portrait persona={persona} alt="" /></span>
        <span className="grow" role="status">
          <b>{words().call.textOnly}</b>
          <span className="small muted">
            {call.phase === "reconnecting"
              ? words().call.textDropped
              : words().call.bothWrite(persona.name)}
          </span>
        </span>
        <button className="btn pri" type="button" onClick={() => { session.setTextOnly(false); }}>
          <Icon name="face" small />{words().call.show(persona.name)}
        </button>
      </header>
      <History talk={talk} name={persona.name} onRetry={(id) => { session.writing.again(id); }} />
      <Compose name={persona.name} onSend={(text) => { session.writing.send(text); }} />
    </section>
  );
}
