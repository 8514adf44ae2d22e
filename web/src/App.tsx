/**
 * Which screen there is: start, a photo, call, or the end of a call.
 * The call's code (LiveKit above all) is its own chunk; it is fetched as soon as this page stands, so
 * that pressing Start waits for nothing. The photo's chunk comes when it is asked for.
 */
import { useCallback, useEffect, useState, type ComponentProps, type ComponentType } from "react";
import type { Persona } from "./api";
import type { Conversation } from "./call/conversation";
import { forgetCall, keptCall } from "./call/kept";
import type { CallSession } from "./call/session";
import { Header } from "./parts/Header";
import { Lobby, type Choice, type Opening } from "./lobby/Lobby";
import type { PhotoPage } from "./lobby/photo/PhotoPage";
import { useLanguage } from "./words";
import { wearing, type FaceCard, type FaceList } from "./portraits";

const TALK: Opening = { withMicrophone: true, withCamera: false };

const loadCall = () => import("./call");
const loadPhoto = () => import("./lobby/photo");

interface Running {
  readonly session: CallSession;
  readonly Screen: ComponentType<{ session: CallSession; onAgain: () => void; onHome: () => void }>;
}

interface Photographing {
  readonly faces: FaceList;
  readonly speaker: Persona;
  readonly shown: FaceCard | null;
  readonly Page: ComponentType<ComponentProps<typeof PhotoPage>>;
}

export function App() {
  useLanguage(); // everything below is drawn again when it changes
  const [choice, setChoice] = useState<Choice>({ persona: null, face: null });
  const [photo, setPhoto] = useState<Photographing | null>(null);
  const [running, setRunning] = useState<Running | null>(null);
  const [starting, setStarting] = useState(false);
  const [incomplete, setIncomplete] = useState(false);
  const [kept, setKept] = useState(() => keptCall(Date.now()));

  useEffect(() => {
    forgetCall(); // once only: a call that cannot be taken up must not come back for ever
    let current = true;
    const resume = ({ CallSession, CallScreen }: Awaited<ReturnType<typeof loadCall>>) => {
      if (kept === null || !current) return;
      const session = new CallSession(kept.persona, kept.talk);
      session.resume(kept);
      setRunning({ session, Screen: CallScreen });
      setKept(null);
    };
    loadCall().then(resume, () => { setKept(null); }); // offline now; Start tries again
    return () => { current = false; };
  }, [kept]);

  const start = useCallback(
    async (persona: Persona, opening: Opening, talk: Conversation = []) => {
      setStarting(true);
      try {
        const { CallSession, CallScreen } = await loadCall();
        const session = new CallSession(persona, talk);
        session.start(opening);
        setRunning({ session, Screen: CallScreen });
        setPhoto(null);
      } catch {
        setIncomplete(true); // a browser does not fetch a chunk again that failed once
      } finally {
        setStarting(false);
      }
    },
    [],
  );

  const openPhoto = async (faces: FaceList, speaker: Persona, shown: FaceCard | null) => {
    try {
      const { PhotoPage: Page } = await loadPhoto();
      setPhoto({ faces, speaker, shown, Page });
    } catch {
      setIncomplete(true);
    }
  };

  if (running === null && kept !== null) return <Header />; // the call's code is on its way
  if (running === null && photo !== null) {
    const { Page, ...rest } = photo;
    return (
      <Page
        {...rest}
        starting={starting}
        onTalk={(face) => {
          setChoice({ persona: photo.speaker.id, face: face.name });
          void start(wearing(photo.speaker, face), TALK);
        }}
        onLeave={() => {
          setPhoto(null);
        }}
      />
    );
  }
  if (running === null) {
    return (
      <Lobby
        choice={choice}
        starting={starting}
        incomplete={incomplete}
        onChoose={setChoice}
        onPhoto={(faces, speaker, shown) => void openPhoto(faces, speaker, shown)}
        onStart={(persona, opening) => void start(persona, opening)}
      />
    );
  }
  const { session, Screen } = running;
  return (
    <Screen
      key={session.key}
      session={session}
      onAgain={() => void start(session.persona, TALK, session.view().talk)}
      onHome={() => {
        setRunning(null);
      }}
    />
  );
}
