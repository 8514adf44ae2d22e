/** The start screen: choose a face, see that all is well, press Start. */
import { useEffect, useState } from "react";
import type { Persona } from "../api";
import { Header } from "../parts/Header";
import { Icon } from "../parts/Icon";
import { Gallery } from "./Gallery";
import { MicRefusedCard } from "./MicRefusedCard";
import { ReadyCard } from "./ReadyCard";
import { useReadiness } from "./useReadiness";

interface Props {
  readonly starting: boolean;
  /** A part of the page did not load: only loading it again helps. */
  readonly incomplete: boolean;
  readonly onStart: (persona: Persona, withMicrophone: boolean) => void;
}

export function Lobby({ starting, incomplete, onStart }: Props) {
  const ready = useReadiness();
  const [choice, setChoice] = useState<string | null>(null);
  const personas = ready.list?.personas ?? [];
  const chosen =
    personas.find(({ id }) => id === choice) ??
    personas.find(({ id }) => id === ready.list?.default) ??
    personas[0] ??
    null;

  useEffect(() => {
    document.title = "Choose who to talk to · Visavis";
  }, []);
  usePreparedWay(ready.list?.server_url);

  const start = (withMicrophone: boolean) => {
    if (chosen !== null) onStart(chosen, withMicrophone);
  };
  const alone = personas.length === 1;

  return (
    <>
      <a className="skip" href="#main">Skip to the page</a>
      <Header />
      <main id="main" className="lobby">
        <div className="left">
          <div>
            <h1>{alone ? `Talk to ${personas[0]?.name ?? ""}, face to face` : "Who would you like to talk to?"}</h1>
            <p className="lead">
              {alone ? "Speak, or write. You can interrupt at any time." : "Pick a face, then speak or write."}
            </p>
          </div>
          {ready.list === null ? (
            <div className="gallery waiting" aria-hidden="true"><span className="persona blank" /></div>
          ) : (
            <Gallery personas={personas} chosen={chosen} onChoose={setChoice} />
          )}
        </div>
        {ready.mic === "denied" && chosen !== null && !ready.unreachable ? (
          <MicRefusedCard
            name={chosen.name}
            starting={starting}
            onStart={() => { start(false); }}
            onRetry={() => { start(true); }}
          />
        ) : (
          <ReadyCard
            ready={ready}
            starting={starting}
            canStart={chosen !== null && !ready.unreachable}
            onStart={() => { start(true); }}
          />
        )}
        {incomplete && (
          <p className="note warn" role="alert">
            <Icon name="info" small />
            <span><b>A part of this page did not load.</b> <a href="/">Load the page again</a>, then start.</span>
          </p>
        )}
        {ready.list !== null && personas.length === 0 && (
          <p className="note warn" role="status">
            <Icon name="info" small />
            <span><b>There is nobody to talk to.</b> No persona is installed on this server.</span>
          </p>
        )}
      </main>
    </>
  );
}

/** Opens the way to livekit-server early: name lookup and handshake are done when Start is pressed. */
function usePreparedWay(serverUrl: string | undefined): void {
  useEffect(() => {
    if (serverUrl === undefined) return;
    const ending = new AbortController();
    fetch(serverUrl.replace(/^ws/, "http"), { method: "HEAD", mode: "no-cors", signal: ending.signal })
      .catch(() => undefined); // only a preparation; the health row says when the server is away
    return () => {
      ending.abort();
    };
  }, [serverUrl]);
}
