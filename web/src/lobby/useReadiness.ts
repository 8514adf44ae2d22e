/**
 * What the start screen knows before anyone presses Start: who there is to talk to, whether a call can
 * start, and how the microphone stands. It asks for no permission and opens no device.
 */
import { useCallback, useEffect, useState } from "react";
import { fetchHealth, fetchPersonas, type Health, type PersonaList } from "../api";
import { fetchFaces, type FaceList } from "../portraits";

export type MicReadiness = "unknown" | "will-ask" | "allowed" | "denied" | "missing" | "insecure";

const LOOK_AGAIN_MS = 3000;

export interface Readiness {
  readonly list: PersonaList | null;
  /** Null until it is known, and on a server without them. */
  readonly faces: FaceList | null;
  /** The personas could not be had: the gateway is away. */
  readonly unreachable: boolean;
  readonly health: Health | null;
  readonly mic: MicReadiness;
  readonly lookAgain: () => void;
}

export function useReadiness(): Readiness {
  const [list, setList] = useState<PersonaList | null>(null);
  const [faces, setFaces] = useState<FaceList | null>(null);
  const [unreachable, setUnreachable] = useState(false);
  const [health, setHealth] = useState<Health | null>(null);
  const [mic, setMic] = useState<MicReadiness>("unknown");
  const [round, setRound] = useState(0);
  const lookAgain = useCallback(() => {
    setRound((value) => value + 1);
  }, []);

  useEffect(() => {
    let current = true;
    const look = async () => {
      const [personas, known, found] = await Promise.all([
        fetchPersonas().catch(() => null),
        fetchFaces().catch(() => null),
        fetchHealth(),
      ]);
      if (!current) return;
      setHealth(found);
      setUnreachable(personas === null);
      if (personas !== null) setList(personas);
      if (known !== null) setFaces(known);
    };
    void look();
    return () => {
      current = false;
    };
  }, [round]);

  const waiting = unreachable || health?.ok === false;
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(lookAgain, LOOK_AGAIN_MS);
    return () => {
      clearInterval(timer);
    };
  }, [waiting, lookAgain]);

  useEffect(() => watchMicrophone(setMic), [round]);
  return { list, faces, unreachable, health, mic, lookAgain };
}

/** Follows the permission and the devices; returns what ends that. */
function watchMicrophone(tell: (mic: MicReadiness) => void): () => void {
  if (!window.isSecureContext) {
    tell("insecure");
    return () => undefined;
  }
  const ending = new AbortController();
  const { signal } = ending;
  const say = (mic: MicReadiness) => {
    if (!signal.aborted) tell(mic);
  };
  const look = async () => {
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (!devices.some((device) => device.kind === "audioinput")) {
      say("missing");
      return;
    }
    // Firefox knows no permission called microphone; then it is asked for on Start
    const query = { name: "microphone" as PermissionName };
    const status = await navigator.permissions.query(query).catch(() => null);
    if (status === null) return;
    const words = { granted: "allowed", denied: "denied", prompt: "will-ask" } as const;
    status.addEventListener("change", () => { say(words[status.state]); }, { signal });
    say(words[status.state]);
  };
  const begin = () => void look().catch(() => undefined);
  navigator.mediaDevices.addEventListener("devicechange", begin, { signal });
  begin();
  return () => {
    ending.abort();
  };
}
