/** The session's view as React state. */
import { useSyncExternalStore } from "react";
import type { CallSession, CallView } from "./session";

export function useCall(session: CallSession): CallView {
  return useSyncExternalStore(session.subscribe, session.view);
}
