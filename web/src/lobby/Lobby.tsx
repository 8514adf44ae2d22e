/** The start screen: choose a face, see that all is well, press Start. */
import { useEffect, useState } from "react";
import type { Persona } from "../api";
import { settings } from "../embed/settings";
import { Header } from "../parts/Header";
import { Icon } from "../parts/Icon";
import { LanguagePicker } from "../parts/LanguagePicker";
import { wearing, type FaceCard, type FaceList } from "../portraits";
import { Faces } from "./Faces";
import { Gallery } from "./Gallery";
import { MicRefusedCard } from "./MicRefusedCard";
import { ReadyCard } from "./ReadyCard";
import { useReadiness } from "./useReadiness";
import { MARK } from "../protocol";
import { fromServer, useLanguage, words } from "../words";

/** Names only: what they mean is looked up in what the server has now. */
export interface Choice {
  readonly persona: string | null;
  /** One's own face, worn by the persona. */
  readonly face: string | null;
}

/** What is opened with the call. */
export interface Opening {
  readonly withMicrophone: boolean;
  readonly withCamera: boolean;
}

interface Props {
  readonly choice: Choice;
  readonly starting: boolean;
  /** A part of the page did not load: only loading it again helps. */
  readonly incomplete: boolean;
  readonly onChoose: (choice: Choice) => void;
  readonly onStart: (persona: Persona, opening: Opening) => void;
  readonly onPhoto: (faces: FaceList, speaker: Persona, shown: FaceCard | null) => void;
}

export function Lobby({ choice, starting, incomplete, onChoose, onStart, onPhoto }: Props) {
  const spoken = useLanguage();
  const ready = useReadiness();
  const [camera, setCamera] = useState(false);
  const { faces } = ready;
  const asked = settings();
  const personas = (ready.list?.personas ?? []).filter(({ id }) => asked.persona === null || id === asked.persona);
  const speaker =
    personas.find(({ id }) => id === choice.persona) ??
    personas.find(({ id }) => id === ready.list?.default) ??
    personas[0] ??
    null;
  const face = faces?.portraits.find(({ name, own }) => own && name === choice.face) ?? null;
  const chosen = speaker === null ? null : wearing(speaker, face);

  const disclosure = speaker === null ? words().disclosure : fromServer({ detail: speaker.disclosure });
  useEffect(() => {
    document.title = `${words().lobby.title} · Visavis`;
  }, [spoken]);
  usePreparedWay(ready.list?.server_url);
  const canStart = chosen !== null && !ready.unreachable;
  useEffect(() => {
    if (canStart && performance.getEntriesByName(MARK.canStart).length === 0) performance.mark(MARK.canStart);
  }, [canStart]);

  const start = (withMicrophone: boolean) => {
    if (chosen !== null) onStart(chosen, { withMicrophone, withCamera: camera });
  };
  useAtOnce(asked.startAtOnce && ready.list !== null && !ready.unreachable, () => { start(ready.mic !== "denied"); });
  const alone = personas.length === 1;

  return (
    <>
      <a className="skip" href="#main">{words().skipToPage}</a>
      <Header>{!asked.embedded && <LanguagePicker />}</Header>
      <main id="main" className="lobby">
        <div className="left">
          <div>
            <h1>{alone ? words().lobby.talkTo(personas[0]?.name ?? "") : words().lobby.question}</h1>
            <p className="lead">
              {alone ? words().lobby.leadOne : words().lobby.lead}
            </p>
          </div>
          {ready.list === null ? (
            <div className="gallery waiting" aria-hidden="true"><span className="persona blank" /></div>
          ) : (
            <div className="choices" role="radiogroup" aria-label={words().lobby.group}>
              <Gallery
                personas={personas}
                chosen={face === null ? speaker : null}
                onChoose={(persona) => { onChoose({ persona, face: null }); }}
              />
              {faces !== null && faces.refusal === null && speaker !== null && (
                <Faces
                  faces={faces}
                  speaker={speaker}
                  chosen={face}
                  onChoose={(name) => { onChoose({ persona: speaker.id, face: name }); }}
                  onOpen={(shown) => { onPhoto(faces, speaker, shown); }}
                />
              )}
            </div>
          )}
        </div>
        {ready.mic === "denied" && chosen !== null && !ready.unreachable ? (
          <MicRefusedCard
            name={chosen.name}
            disclosure={disclosure}
            starting={starting}
            onStart={() => { start(false); }}
            onRetry={() => { start(true); }}
          />
        ) : (
          <ReadyCard
            ready={ready}
            disclosure={disclosure}
            starting={starting}
            canStart={canStart}
            camera={camera}
            onCamera={setCamera}
            onStart={() => { start(true); }}
          />
        )}
        {incomplete && (
          <p className="note warn" role="alert">
            <Icon name="info" small />
            <span><b>{words().lobby.incomplete}</b> <a href="/">{words().lobby.loadAgain}</a>, {words().lobby.thenStart}</span>
          </p>
        )}
        {ready.list !== null && personas.length === 0 && (
          <p className="note warn" role="status">
            <Icon name="info" small />
            <span><b>{words().lobby.nobody}</b> {words().lobby.nobodyMore}</span>
          </p>
        )}
      </main>
    </>
  );
}

/** The person has pressed a button outside this frame: begin as soon as one can, and only once a page. */
function useAtOnce(can: boolean, start: () => void): void {
  useEffect(() => {
    if (!can || startedAtOnce) return;
    startedAtOnce = true;
    start();
  });
}

let startedAtOnce = false;

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
