/** The call cannot go on: what happened, what was looked at, what to do. */
import { useState } from "react";
import { CheckRows } from "../check/CheckRows";
import { useCheck } from "../check/useCheck";
import type { Row } from "../check/verdicts";
import { asText, visible } from "../call/conversation";
import type { CallSession } from "../call/session";
import { clock } from "../call/time";
import { Header } from "../parts/Header";
import { Icon } from "../parts/Icon";
import { backdrop, Portrait } from "../parts/Portrait";
import { failureSentence, type Failure } from "../problems";
import { words } from "../words";
import { useFreePlace } from "./useFreePlace";

interface Props {
  readonly session: CallSession;
  readonly failure: Failure;
  readonly onHome: () => void;
}

export function FailurePage({ session, failure, onHome }: Props) {
  const { persona } = session;
  const { title, text } = failureSentence(failure, persona.name);
  const check = useCheck();
  const checks = looked(failure, check.rows);
  const [waits, setWaits] = useState(false);
  useFreePlace(waits, () => { session.startAgain(); });
  const again = failure.kind === "gave-up" ? words().end.again : words().tryAgain;
  const talk = visible(session.view().talk);
  const report = () =>
    [title, text, ...checks.map(({ name, verdict, text: said }) => `${verdict}  ${name}: ${said}`),
      new Date().toISOString(), navigator.userAgent].join("\n");
  return (
    <>
      <Header />
      <main id="main" className="page">
        <div className="intro" role="alert">
          <h1>{title}</h1>
          <p className="lead">{text}</p>
        </div>
        <div className="cols remedy">
          <section className="stack" aria-label={words().failure.helps}>
            <h2>{words().failure.helps}</h2>
            <ol className="steps">
              {words().failure.steps[failure.kind].map((step) => <li key={step}><span>{step}</span></li>)}
            </ol>
            <div className="stack tight">
              {waits && <p className="note" role="status"><Icon name="clock" small /><span>{words().failure.waiting}</span></p>}
              {failure.kind === "full" && !waits ? (
                <button className="btn pri big wide" type="button" onClick={() => { setWaits(true); }}>
                  <Icon name="clock" small />{words().failure.waitHere}
                </button>
              ) : (
                <button className={waits ? "btn wide" : "btn pri big wide"} type="button" onClick={() => { session.startAgain(); }}>
                  <Icon name="again" small />{again}
                </button>
              )}
              {talk.length > 0 && (
                <CopyWide label={words().chat.copyAll} text={() => asText(talk, persona.name, clock)} />
              )}
              <CopyWide label={words().failure.copyReport} text={report} />
              <button className="btn quiet wide" type="button" onClick={onHome}>{words().toStart}</button>
            </div>
          </section>
          {failure.kind === "full" ? (
            <div className="awaited" style={backdrop(persona)}><Portrait persona={persona} alt="" /></div>
          ) : (
            <section className="card" aria-label={words().failure.checks}>
              <CheckRows rows={checks} />
            </section>
          )}
        </div>
      </main>
    </>
  );
}

function CopyWide({ label, text }: { label: string; text: () => string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard.writeText(text()).then(
      () => { setCopied(true); },
      () => { setCopied(false); },
    );
  };
  return (
    <button className="btn wide" type="button" onClick={copy}>
      <Icon name={copied ? "check" : "copy"} small />{copied ? words().copied : label}
    </button>
  );
}

/** Everything that was looked at; what the call itself saw counts more than a look afterwards. */
function looked(failure: Failure, rows: readonly Row[]): readonly Row[] {
  if (failure.kind !== "agent-missing") return rows;
  return [{ name: words().failure.agent, verdict: "bad", text: words().failure.absent }, ...rows];
}
