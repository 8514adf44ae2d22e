/**
 * What the person sends: microphone, camera and screen, over as many connections as the call takes.
 * A track outlives rooms, so that a call taken up again needs no second permission. Camera and screen
 * start off; off means that the device is closed, not that black pictures are sent.
 */
import { createLocalScreenTracks, createLocalVideoTrack, Track, type LocalVideoTrack } from "livekit-client";
import { loadChoice, wish } from "../devices/choice";
import { micProblem } from "../problems";
import type { Line } from "./line";
import { LocalPicture } from "./localPicture";
import { Microphone } from "./microphone";
import type { CallEvent } from "./state";

/** Enough for a self-view and for an agent that looks; more would be taken from the avatar's picture. */
const CAMERA_SIZE = { width: 640, height: 360, frameRate: 24 };

export class Outgoing {
  readonly microphone: Microphone;
  readonly camera: LocalPicture;
  readonly screen: LocalPicture;
  private line: Line | null = null;

  constructor(tell: (event: CallEvent) => void) {
    this.microphone = new Microphone((mic) => { tell({ type: "mic", mic }); });
    this.camera = new LocalPicture(openCamera, (camera) => { tell({ type: "camera", camera }); });
    this.screen = new LocalPicture(openScreen, (screen) => { tell({ type: "screen", screen }); });
    this.camera.onClosed = (track) => void this.line?.unpublish(track);
    this.screen.onClosed = (track) => void this.line?.unpublish(track);
  }

  /** From now on everything goes out over this connection; null: there is none. */
  use(line: Line | null): void {
    this.line = line;
  }

  /** Publishes what is open and not yet out. A line that breaks meanwhile is replaced by one that asks again. */
  async publish(): Promise<void> {
    const { line } = this;
    if (line === null) return;
    const all = [
      [this.microphone.track, Track.Source.Microphone],
      [this.camera.track, Track.Source.Camera],
      [this.screen.track, Track.Source.ScreenShare],
    ] as const;
    for (const [track, source] of all) {
      if (track !== null) await line.publish(track, source).catch(() => undefined);
    }
  }

  async openMicrophone(): Promise<void> {
    if ((await this.microphone.open()) !== null) await this.publish();
  }

  async toggle(picture: LocalPicture): Promise<void> {
    if (picture.track !== null) picture.close();
    else if ((await picture.open()) !== null) await this.publish();
  }

  close(): void {
    this.microphone.close();
    this.camera.end();
    this.screen.end();
    this.line = null;
  }
}

function openCamera(): Promise<LocalVideoTrack> {
  return createLocalVideoTrack({ ...wish(loadChoice().videoinput), resolution: CAMERA_SIZE });
}

async function openScreen(): Promise<LocalVideoTrack | null> {
  try {
    const tracks = await createLocalScreenTracks({ audio: false });
    return (tracks[0] as LocalVideoTrack | undefined) ?? null;
  } catch (error) {
    // closing the browser's own dialog is a decision, not a failure
    if (micProblem(error, window.isSecureContext) === "refused") return null;
    throw error;
  }
}
