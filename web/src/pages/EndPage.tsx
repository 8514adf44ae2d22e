/** After the call: how long it was, what was said, and the way back. */
import { useEffect, useRef } from "react";
import { asText, visible } from "../call/conversation";
import { CopyButton } from "../call/CopyButton";
import { MessageItem } from "../call/MessageItem";
import type { CallSession } from "../call/session";
import { clock, duration } from "../call/time";
import { useCall } from "../call/useCall";
import { Header } from "../parts/Header";
import { Icon } from "../parts/Icon";
import { backdrop, Portrait } from "../parts/Portrait";
import { endingSentence } from "../problems";
import { words } from "../words";

interface Props {
  readonly session: CallSession;
  readonly onAgain: () => void;
  readonly onHome: () => void;
}

export function EndPage({ session, onAgain, onHome }: Props) {
  const { call, talk } = useCall(session);
  const { persona } = session;
  const { title, text } = endingSentence(call.ending ?? "ended", persona.name);
  const heading = useRef<HTMLHeadingElement>(null);
  const messages = visible(talk);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  return (
    <>
      <Header />
      <main id="main" className="page end">
        <span className="medallion" style={backdrop(persona)}><Portrait persona={persona} alt="" /></span>
        <div className="intro">
          <h1 ref={heading} tabIndex={-1}>{title}</h1>
          <p className="lead">
            {call.liveSince !== null && call.endedAt !== null && words().end.lasted(duration(call.endedAt - call.liveSince), persona.name)}
            {text}
          </p>
        </div>
        <div className="acts">
          <button className="btn pri big" type="button" onClick={onAgain}><Icon name="again" small />{words().end.again}</button>
          <button className="btn big" type="button" onClick={onHome}>{words().toStart}</button>
        </div>
        {messages.length > 0 && (
          <section className="card kept" aria-labelledby="kept-title">
            <header>
              <h2 id="kept-title">{words().end.said}</h2>
              <CopyButton text={() => asText(talk, persona.name, clock)} />
            </header>
            <ul>
              {messages.map((message) => <MessageItem key={message.id} message={message} name={persona.name} />)}
            </ul>
            <p className="xs muted">{words().end.kept}</p>
          </section>
        )}
      </main>
    </>
  );
}
