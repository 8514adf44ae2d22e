/** Runs the check while it is shown, and again when asked. The part that needs LiveKit is fetched for it. */
import { useCallback, useEffect, useState } from "react";
import { fetchHealth } from "../api";
import { rows, type Row, type Surroundings } from "./verdicts";

const NOTHING_TRIED = { signal: false, path: null, rttMs: null, tcp: null, turn: null } as const;

export interface Check {
  readonly rows: readonly Row[];
  readonly again: () => void;
}

export function useCheck(): Check {
  const [round, setRound] = useState(0);
  const [found, setFound] = useState<Surroundings>(around);
  useEffect(() => {
    let current = true;
    const tell = (news: Partial<Surroundings>) => { if (current) setFound((known) => ({ ...known, ...news })); };
    const look = async () => {
      const health = await fetchHealth();
      const gateway = !health.checks.some(({ name, ok }) => name === "gateway" && !ok);
      tell({ gateway });
      if (!gateway || !around().webrtc) return;
      const { tryNetwork } = await import("./network");
      tell({ tried: await tryNetwork() });
    };
    look().catch(() => { tell({ tried: NOTHING_TRIED }); });
    return () => { current = false; };
  }, [round]);
  const again = useCallback(() => {
    setFound(around());
    setRound((value) => value + 1);
  }, []);
  return { rows: rows(found), again };
}

function around(): Surroundings {
  return { webrtc: "RTCPeerConnection" in window, secure: window.isSecureContext, host: location.host, gateway: null, tried: null };
}
