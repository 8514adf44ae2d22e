/** The devices there are and the ones that are chosen; follows plugging in and out. Opens none. */
import { useCallback, useEffect, useState } from "react";
import { DEVICE_KINDS, keepChoice, loadChoice, named, present } from "./choice";
import type { DeviceChoice, DeviceKind, NamedDevice } from "./choice";

export interface Devices {
  readonly lists: Readonly<Record<DeviceKind, readonly NamedDevice[]>>;
  readonly choice: DeviceChoice;
  readonly choose: (kind: DeviceKind, id: string) => void;
  /** Look again: a permission may have been given, and names appear with it. */
  readonly look: () => void;
}

export function useDevices(): Devices {
  const [found, setFound] = useState<readonly MediaDeviceInfo[]>([]);
  const [choice, setChoice] = useState(loadChoice);

  const look = useCallback(() => {
    if (!window.isSecureContext) return;
    // refused by policy: the system's own devices are used
    navigator.mediaDevices.enumerateDevices().then(setFound, () => undefined);
  }, []);
  useEffect(() => {
    if (!window.isSecureContext) return;
    const { mediaDevices } = navigator;
    mediaDevices.addEventListener("devicechange", look);
    look();
    return () => { mediaDevices.removeEventListener("devicechange", look); };
  }, [look]);

  const choose = (kind: DeviceKind, id: string) => {
    const next = { ...choice, [kind]: id };
    keepChoice(next); // at once: a device that is opened next asks for it
    setChoice(next);
  };

  const lists = {
    audioinput: named(found, "audioinput"),
    audiooutput: named(found, "audiooutput"),
    videoinput: named(found, "videoinput"),
  };
  const shown = { ...choice };
  for (const kind of DEVICE_KINDS) shown[kind] = present(choice[kind], lists[kind]);
  return { lists, choice: shown, choose, look };
}

/** Firefox and Safari on phones play where the system plays. */
export const CAN_CHOOSE_SPEAKER = "setSinkId" in HTMLMediaElement.prototype;
