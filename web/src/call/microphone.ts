/**
 * The person's microphone: one track that outlives rooms, so that a call taken up again needs no
 * second permission. It reports what it is; it never decides whether a call goes on without it.
 */
import { createLocalAudioTrack, TrackEvent, type LocalAudioTrack } from "livekit-client";
import { loadChoice, wish } from "../devices/choice";
import { micProblem } from "../problems";
import type { MicStatus } from "./state";

export class Microphone {
  private current: LocalAudioTrack | null = null;
  private wanted = true;
  private opening: Promise<LocalAudioTrack | null> | null = null;
  private closed = false;

  constructor(private readonly report: (status: MicStatus) => void) {}

  get track(): LocalAudioTrack | null {
    return this.current;
  }

  /** Ask for the microphone. Resolves with the track, or null when there is none to be had. */
  open(): Promise<LocalAudioTrack | null> {
    this.opening ??= this.acquire().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  /** Muting keeps the device open: speaking again must not wait for it. */
  async setOn(on: boolean): Promise<void> {
    this.wanted = on;
    if (this.current === null) return;
    await (on ? this.current.unmute() : this.current.mute());
    this.report(on ? "on" : "muted");
  }

  /** Take another device, in the same track: nobody in the call notices. */
  async use(device: string): Promise<void> {
    const track = this.current;
    if (track === null) {
      await this.open();
      return;
    }
    try {
      await track.setDeviceId(device === "" ? "default" : { exact: device });
      this.report(this.wanted ? "on" : "muted");
    } catch (error) {
      this.report(micProblem(error, window.isSecureContext));
    }
  }

  close(): void {
    this.closed = true;
    this.current?.stop();
    this.current = null;
  }

  private async acquire(): Promise<LocalAudioTrack | null> {
    this.report("asking");
    try {
      const track = await createLocalAudioTrack({
        ...wish(loadChoice().audioinput),
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
      });
      if (this.closed) {
        track.stop();
        return null;
      }
      this.current?.stop();
      this.current = track;
      track.once(TrackEvent.Ended, () => {
        this.lost(track);
      });
      if (!this.wanted) await track.mute();
      this.report(this.wanted ? "on" : "muted");
      return track;
    } catch (error) {
      this.report(micProblem(error, window.isSecureContext));
      return null;
    }
  }

  private lost(track: LocalAudioTrack): void {
    if (this.closed || this.current !== track) return;
    this.current = null;
    track.stop();
    this.report("gone");
  }
}
