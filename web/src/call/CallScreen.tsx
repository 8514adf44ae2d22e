/** The call: header, stage, dock, panel. Failures and the end take its place. */
import { useEffect, useRef } from "react";
import { EndPage } from "../pages/EndPage";
import { FailurePage } from "../pages/FailurePage";
import { CallHeader } from "./CallHeader";
import { CastPanel } from "./CastPanel";
import { ChatPanel } from "./ChatPanel";
import { DevicesDialog } from "./DevicesDialog";
import { Dock } from "./Dock";
import { HoodPanel } from "./HoodPanel";
import { KeysDialog } from "./KeysDialog";
import { MoreDialog } from "./MoreDialog";
import type { CallSession } from "./session";
import { Stage } from "./Stage";
import { badge, badgeWord } from "./state";
import { TextOnly } from "./TextOnly";
import { useCall } from "./useCall";
import { useControls } from "./useControls";
import { words } from "../words";

interface Props {
  readonly session: CallSession;
  readonly onAgain: () => void;
  readonly onHome: () => void;
}

export function CallScreen({ session, onAgain, onHome }: Props) {
  const { call } = useCall(session);
  const { persona, own, talkKey } = session;
  const stage = useRef<HTMLElement>(null);
  const controls = useControls(session, stage);
  const { panel, dialog, captions, act } = controls;
  const closeDialog = () => { controls.openDialog(null); };

  useEffect(() => {
    document.title = `${badgeWord(badge(call), persona.name)} · ${persona.name} · Visavis`;
  }, [call, persona.name]);
  useEffect(() => {
    const away = () => { session.suspend(); };
    window.addEventListener("pagehide", away);
    return () => { window.removeEventListener("pagehide", away); };
  }, [session]);

  if (call.phase === "ended") {
    return <EndPage session={session} onAgain={onAgain} onHome={onHome} />;
  }
  if (call.failure !== null) {
    return <FailurePage session={session} failure={call.failure} onHome={() => { session.leave(); onHome(); }} />;
  }
  return (
    <>
      <a className="skip" href="#ctl">{words().skipToControls}</a>
      <main className="call" id="main" data-avatar={call.avatar}>
        <h1 className="vh">{words().call.label(persona.name)}</h1>
        <CallHeader session={session} />
        {call.textOnly ? (
          <TextOnly session={session} />
        ) : (
          <Stage
            ref={stage}
            session={session}
            captions={captions}
            onType={() => { controls.show("chat"); }}
            onDevices={() => { controls.openDialog("devices"); }}
            onSwitch={() => { act("switch"); }}
          />
        )}
        {panel === "chat" && !call.textOnly && <ChatPanel session={session} onClose={() => { controls.show(null); }} />}
        {panel === "cast" && <CastPanel session={session} onClose={() => { controls.show(null); }} />}
        {panel === "hood" && <HoodPanel session={session} onClose={() => { controls.show(null); }} />}
        <Dock
          call={call}
          track={own.microphone.track}
          talkKey={talkKey}
          captions={captions}
          panel={panel}
          unread={controls.unread}
          act={act}
        />
      </main>
      {dialog === "devices" && <DevicesDialog session={session} onClose={closeDialog} />}
      {dialog === "keys" && <KeysDialog letters={controls.letters} onLetters={controls.setLetters} onClose={closeDialog} />}
      {dialog === "more" && <MoreDialog session={session} captions={captions} act={act} onClose={closeDialog} />}
    </>
  );
}
