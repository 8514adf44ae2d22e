/** The history of the call, spoken and typed, and the box to write in. */
import { Icon } from "../parts/Icon";
import { Compose } from "./Compose";
import { asText } from "./conversation";
import { CopyButton } from "./CopyButton";
import { History } from "./History";
import type { CallSession } from "./session";
import { clock } from "./time";
import { useCall } from "./useCall";
import { words } from "../words";

export function ChatPanel({ session, onClose }: { session: CallSession; onClose: () => void }) {
  const { talk } = useCall(session);
  const { name } = session.persona;
  return (
    <section className="side" aria-labelledby="chat-title">
      <header>
        <h2 id="chat-title">{words().chat.title}</h2>
        <CopyButton text={() => asText(talk, name, clock)} />
        <button className="ib sm" type="button" aria-label={words().chat.close} title={`${words().chat.close} (Esc)`} onClick={onClose}>
          <Icon name="cross" small />
        </button>
      </header>
      <History talk={talk} name={name} onRetry={(id) => { session.writing.again(id); }} />
      <Compose name={name} onSend={(text) => { session.writing.send(text); }} />
    </section>
  );
}
