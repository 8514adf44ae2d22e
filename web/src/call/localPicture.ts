/** A camera or a screen that is on or off. It reports what it is and never decides about the call. */
import { TrackEvent, type LocalVideoTrack } from "livekit-client";
import { micProblem } from "../problems";
import type { PictureStatus } from "./state";

export class LocalPicture {
  /** Told of a track that has just been closed, so that it is no longer sent. */
  onClosed: (track: LocalVideoTrack) => void = () => undefined;
  private current: LocalVideoTrack | null = null;
  private opening = false;
  private ended = false;

  constructor(
    /** null: the person thought better of it. */
    private readonly acquire: () => Promise<LocalVideoTrack | null>,
    private readonly report: (status: PictureStatus) => void,
  ) {}

  get track(): LocalVideoTrack | null {
    return this.current;
  }

  /** Resolves with a new track, or null when none was opened; asking twice opens one. */
  async open(): Promise<LocalVideoTrack | null> {
    if (this.opening || this.isOver() || this.current !== null) return null;
    this.opening = true;
    this.report("asking");
    try {
      const track = await this.acquire();
      if (track === null || this.isOver()) {
        track?.stop();
        this.report("off");
        return null;
      }
      this.current = track;
      track.once(TrackEvent.Ended, () => { if (this.current === track) this.close(); });
      this.report("on");
      return track;
    } catch (error) {
      this.report(micProblem(error, window.isSecureContext));
      return null;
    } finally {
      this.opening = false;
    }
  }

  /** Closes the device: its light goes out. Twice is fine. */
  close(): void {
    const track = this.current;
    if (track === null) return;
    this.current = null;
    this.onClosed(track);
    track.stop();
    this.report("off");
  }

  /** For good: one that is still being asked for is closed when it comes. */
  end(): void {
    this.ended = true;
    this.close();
  }

  /** A method, because it may change while the device is being asked for. */
  private isOver(): boolean {
    return this.ended;
  }
}
