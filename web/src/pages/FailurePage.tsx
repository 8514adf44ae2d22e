/** The call cannot go on: what happened, what was looked at, what to do. */
import { useEffect, useState } from "react";
import { fetchHealth, type Check, type Health } from "../api";
import { asText, visible } from "../call/conversation";
import type { CallSession } from "../call/session";
import { clock } from "../call/time";
import { Header } from "../parts/Header";
import { Icon } from "../parts/Icon";
import { failureSentence, type Failure } from "../problems";

interface Props {
  readonly session: CallSession;
  readonly failure: Failure;
  readonly onHome: () => void;
}

export function FailurePage({ session, failure, onHome }: Props) {
  const { persona } = session;
  const { title, text } = failureSentence(failure, persona.name);
  const health = useHealth();
  const checks = looked(failure, health);
  const again = failure.kind === "gave-up" ? "Call again" : "Try again";
  const talk = visible(session.view().talk);
  const report = () =>
    [title, text, ...checks.map(({ name, ok, detail }) => `${ok ? "works" : "fails"}  ${name}: ${detail}`),
      new Date().toISOString(), navigator.userAgent].join("\n");
  return (
    <>
      <Header />
      <main id="main" className="page">
        <div className="intro" role="alert">
          <h1>{title}</h1>
          <p className="lead">{text}</p>
        </div>
        <div className="cols">
          <section className="card" aria-label="Checks">
            <ul className="checks">
              {checks.map((check) => <CheckRow key={check.name} {...check} />)}
              {health === null && <li className="small muted">Looking at the server.</li>}
            </ul>
          </section>
          <aside className="stack" aria-label="What helps">
            <h2>What helps</h2>
            <ol className="steps">
              {steps(failure).map((step) => <li key={step}><span>{step}</span></li>)}
            </ol>
            <div className="stack tight">
              <button className="btn pri big wide" type="button" onClick={() => { session.startAgain(); }}>
                <Icon name="again" small />{again}
              </button>
              {talk.length > 0 && (
                <CopyWide label="Copy the conversation" text={() => asText(talk, persona.name, clock)} />
              )}
              <CopyWide label="Copy report" text={report} />
              <button className="btn quiet wide" type="button" onClick={onHome}>Back to the start</button>
            </div>
          </aside>
        </div>
      </main>
    </>
  );
}

function useHealth(): Health | null {
  const [health, setHealth] = useState<Health | null>(null);
  useEffect(() => {
    let current = true;
    const look = () => {
      void fetchHealth().then((found) => {
        if (current) setHealth(found);
      });
    };
    look();
    const timer = setInterval(look, 3000);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, []);
  return health;
}

function CheckRow({ name, ok, detail }: Check) {
  return (
    <li>
      <span className={ok ? "st ok" : "st bad"}><Icon name={ok ? "check" : "cross"} small /></span>
      <span><b>{name}</b><p>{detail}</p></span>
      <span className={ok ? "verdict ok" : "verdict bad"}>{ok ? "Works" : "Not working"}</span>
    </li>
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
      <Icon name={copied ? "check" : "copy"} small />{copied ? "Copied" : label}
    </button>
  );
}

const NAMES: Readonly<Record<string, string>> = {
  gateway: "Server of this page",
  "livekit-server": "Call server",
  agent: "Agent",
};

/** Everything that was looked at; what the call itself saw counts more than a health page. */
function looked(failure: Failure, health: Health | null): readonly Check[] {
  const browser = { name: "Browser", ok: true, detail: browserDetail() };
  const found = (health?.checks ?? []).map((check) => ({ ...check, name: NAMES[check.name] ?? check.name }));
  if (failure.kind !== "agent-missing") return [browser, ...found];
  const absent = { name: "Agent", ok: false, detail: "Did not join the call within 10 seconds." };
  return [browser, ...found.filter(({ name }) => name !== "Agent"), absent];
}

function browserDetail(): string {
  return window.isSecureContext
    ? "Can make calls. The page is secure, so the microphone can be used."
    : "Can make calls. The page is not secure, so there is no microphone.";
}

function steps({ kind }: Failure): readonly string[] {
  switch (kind) {
    case "server-away":
    case "gave-up":
      return ["Look whether Visavis still runs on its computer.", "Look whether this device is online.", "Then try again."];
    case "refused":
      return ["Load this page again.", "Then try once more."];
    case "network-blocked":
      return ["Try another network, such as your phone’s hotspot.", "Ask for the call server’s TCP port to be opened.", "Then try again."];
    case "agent-missing":
      return ["Look at what the agent writes on its computer.", "It may still be starting: wait a moment.", "Then try again."];
  }
}
