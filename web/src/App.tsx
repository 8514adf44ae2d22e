/**
 * Which screen there is: start, call, or the end of a call.
 * The call's code (LiveKit above all) is its own chunk; it is fetched as soon as this page stands, so
 * that pressing Start waits for nothing.
 */
import { useCallback, useEffect, useState, type ComponentType } from "react";
import type { Persona } from "./api";
import type { Conversation } from "./call/conversation";
import type { CallSession } from "./call/session";
import { Lobby } from "./lobby/Lobby";

const loadCall = () => import("./call");

interface Running {
  readonly session: CallSession;
  readonly Screen: ComponentType<{ session: CallSession; onAgain: () => void; onHome: () => void }>;
}

export function App() {
  const [running, setRunning] = useState<Running | null>(null);
  const [starting, setStarting] = useState(false);
  const [incomplete, setIncomplete] = useState(false);

  useEffect(() => {
    loadCall().catch(() => undefined); // offline now; Start tries again
  }, []);

  const start = useCallback(
    async (persona: Persona, withMicrophone: boolean, talk: Conversation = []) => {
      setStarting(true);
      try {
        const { CallSession, CallScreen } = await loadCall();
        const session = new CallSession(persona, talk);
        session.start({ withMicrophone });
        setRunning({ session, Screen: CallScreen });
      } catch {
        setIncomplete(true); // a browser does not fetch a chunk again that failed once
      } finally {
        setStarting(false);
      }
    },
    [],
  );

  if (running === null) {
    return (
      <Lobby
        starting={starting}
        incomplete={incomplete}
        onStart={(persona, withMicrophone) => void start(persona, withMicrophone)}
      />
    );
  }
  const { session, Screen } = running;
  return (
    <Screen
      key={session.key}
      session={session}
      onAgain={() => void start(session.persona, true, session.view().talk)}
      onHome={() => {
        setRunning(null);
      }}
    />
  );
}
