/** Waits at a full house: looks at the server again and again, and says once when a place is free. */
import { useEffect, useRef } from "react";
import { fetchHealth } from "../api";

const LOOK_AGAIN_MS = 3000;

export function useFreePlace(waits: boolean, onFree: () => void): void {
  const told = useRef(onFree);
  useEffect(() => { told.current = onFree; });
  useEffect(() => {
    if (!waits) return;
    let timer = 0;
    let current = true;
    const look = async () => {
      const { ok } = await fetchHealth();
      if (!current) return;
      if (ok) told.current();
      else timer = window.setTimeout(() => void look(), LOOK_AGAIN_MS);
    };
    void look();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [waits]);
}
