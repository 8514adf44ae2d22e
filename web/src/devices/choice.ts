/**
 * Which microphone, speaker and camera the person chose, kept in this browser for the next call.
 * Ids only, and only here: nothing of it is sent anywhere. "" means the system's own choice. That the
 * camera is on is never kept: it starts off every time.
 */
import { words } from "../words";

export type DeviceKind = "audioinput" | "audiooutput" | "videoinput";
export type DeviceChoice = Readonly<Record<DeviceKind, string>>;

export interface NamedDevice {
  readonly id: string;
  readonly label: string;
}

export const DEVICE_KINDS: readonly DeviceKind[] = ["audioinput", "audiooutput", "videoinput"];
export const NO_CHOICE: DeviceChoice = { audioinput: "", audiooutput: "", videoinput: "" };

const KEPT_AS = "visavis.devices";

/** What was kept; anything that is not a choice is none. */
export function parseChoice(kept: string | null): DeviceChoice {
  try {
    const read: unknown = JSON.parse(kept ?? "{}");
    if (typeof read !== "object" || read === null) return NO_CHOICE;
    const found = read as Record<string, unknown>;
    const id = (kind: DeviceKind) => (typeof found[kind] === "string" ? found[kind] : "");
    return { audioinput: id("audioinput"), audiooutput: id("audiooutput"), videoinput: id("videoinput") };
  } catch {
    return NO_CHOICE;
  }
}

/**
 * The devices of one kind to choose from, the system's own first. Browsers give no names before a
 * permission: those are numbered. Chromium's "default" and "communications" are the same again.
 */
export function named(
  devices: readonly Pick<MediaDeviceInfo, "kind" | "deviceId" | "label">[],
  kind: DeviceKind,
): readonly NamedDevice[] {
  const real = devices.filter(
    ({ kind: of, deviceId }) => of === kind && !["", "default", "communications"].includes(deviceId),
  );
  const list = real.map(({ deviceId, label }, index) => ({
    id: deviceId,
    label: label === "" ? words().devices.numbered(kindWord(kind), index + 1) : label,
  }));
  return [{ id: "", label: words().devices.systemDefault }, ...list];
}

function kindWord(kind: DeviceKind): string {
  const { microphone, speaker, camera } = words().devices;
  return { audioinput: microphone, audiooutput: speaker, videoinput: camera }[kind];
}

/** The choice if it is plugged in, else the system's own. */
export function present(id: string, list: readonly NamedDevice[]): string {
  return list.some((device) => device.id === id) ? id : "";
}

export function loadChoice(): DeviceChoice {
  try {
    return parseChoice(localStorage.getItem(KEPT_AS));
  } catch {
    return NO_CHOICE; // storage is blocked
  }
}

export function keepChoice(choice: DeviceChoice): void {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(choice));
  } catch {
    // storage is blocked or full: the choice holds for this call
  }
}

/** Asks for the chosen device and takes another when it is not there. */
export function wish(id: string): { deviceId?: { ideal: string } } {
  return id === "" ? {} : { deviceId: { ideal: id } };
}
