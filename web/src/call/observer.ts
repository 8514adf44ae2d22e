/**
 * Watches the running call: statistics once a second, sound and pictures slot by slot. It owns its two
 * timers, its frame callback and the meter on the microphone, and ends them in `close`.
 *
 * Levels are read beside the sound: the elements play it, and no audio graph of ours stands in its way.
 */
import type { LocalAudioTrack } from "livekit-client";
import { Level } from "../devices/level";
import type { Media } from "./media";
import { flow, UNKNOWN_FLOW } from "./flow";
import { rate, steady, UNSTEADIED } from "./quality";
import { Ring, SLOT_MS } from "./ring";
import type { CallState, Quality } from "./state";
import { figures, read, type Figures, type Reading } from "./stats";
import { EMPTY_TRACE, trace, type Mark, type Trace } from "./trace";
import { TRANSITIONS } from "./avatar";
import { Voice } from "./voice";

export interface Observed {
  /** Oldest first, one a second, at most HISTORY. */
  readonly history: readonly Figures[];
  readonly trace: Trace;
}

const HISTORY = 120;
const STATS_MS = 1000;
/** How long sound waits is the mean of a second, as packets come unevenly; a second old, it would be wrong when an answer begins. */
const WEIGH_MS = 250;
const WEIGHED = 5;
/** On the level's scale: whatever is not silence. */
const AUDIBLE = 0.08;
const QUIET_MS = 250;
/** On the same scale: a voice near the microphone, not the room. */
const VOICE = 0.4;
const PAUSE_MS = 400;

export class Observer {
  readonly ring = new Ring();
  private current: Observed = { history: [], trace: EMPTY_TRACE };
  private readonly listeners = new Set<() => void>();
  private timers: number[] = [];
  private reading: Reading | null = null;
  private weighed: readonly Reading[] = [];
  private quality = UNSTEADIED;
  private flow = UNKNOWN_FLOW;
  private readonly heard = new Voice(AUDIBLE, QUIET_MS);
  private readonly spoken = new Voice(VOICE, PAUSE_MS);
  private readonly theirs = new Meter();
  private readonly mine = new Meter();
  private frame = 0;

  constructor(
    private readonly media: Media,
    private readonly microphone: () => LocalAudioTrack | null,
    private readonly call: {
      readonly quality: (quality: Quality) => void;
      /** Nothing comes in any more, though nobody has said why; or it does again. */
      readonly stalled: (stalled: boolean) => void;
      /** The persona's words so far end in the middle of a sentence. */
      readonly unfinished: () => boolean;
    },
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly view = (): Observed => this.current;

  /** Begin to watch; twice is fine. */
  open(): void {
    if (this.timers.length > 0) return;
    this.timers = [
      window.setInterval(() => void this.measure(), STATS_MS),
      window.setInterval(() => void this.weigh(), WEIGH_MS),
      window.setInterval(this.listen, SLOT_MS / 2),
    ];
    void this.measure();
    this.watchFrames();
  }

  /** Twice is fine. What was seen stays to be exported. */
  close(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    this.media.video.cancelVideoFrameCallback(this.frame);
    this.theirs.follow(null);
    this.mine.follow(null);
  }

  mark(mark: Mark): void {
    this.current = { ...this.current, trace: trace(this.current.trace, mark) };
    this.changed();
  }

  /** A change of the call's state, as events. */
  follow(before: CallState, call: CallState): void {
    const at = performance.now();
    if (call.agent !== before.agent && call.agent !== null && call.agent !== "initializing" && call.agent !== "idle") {
      this.mark({ type: "agent", state: call.agent, at });
    }
    if (call.problem !== before.problem) {
      this.mark({ type: "note", what: call.problem === "" ? "edit mended" : "edit refused", detail: call.problem, at });
    }
    if (call.avatar !== before.avatar) {
      const trigger = TRANSITIONS[before.avatar][call.avatar] ?? "";
      this.mark({ type: "note", what: `${before.avatar} → ${call.avatar}`, detail: trigger, at });
    }
  }

  private async measure(): Promise<void> {
    const { soundTrack, videoTrack } = this.media;
    const reports = await Promise.all([soundTrack?.getRTCStatsReport(), videoTrack?.getRTCStatsReport()]).catch(() => []);
    if (this.timers.length === 0) return;
    const before = this.reading;
    const now = (this.reading = read(reports, performance.now()));
    if (before === null) return;
    const measured = figures(before, now);
    this.ring.holds(measured.audioBufferMs ?? 0, measured.videoBufferMs ?? 0);
    this.current = { ...this.current, history: [...this.current.history, measured].slice(-HISTORY) };
    const { stalled } = this.flow;
    this.flow = flow(this.flow, measured.packets);
    if (this.flow.stalled !== stalled) this.call.stalled(this.flow.stalled);
    this.quality = steady(this.quality, rate(measured));
    if (this.quality.shown !== null) this.call.quality(this.quality.shown);
    this.changed();
  }

  private async weigh(): Promise<void> {
    const report = await this.media.soundTrack?.getRTCStatsReport().catch(() => undefined);
    const now = read([report], performance.now());
    this.weighed = [...this.weighed, now].slice(-WEIGHED);
    const [before = now] = this.weighed;
    this.media.bufferMs = figures(before, now).audioBufferMs;
  }

  private readonly listen = (): void => {
    const at = performance.now();
    const change = this.heard.hear(this.theirs.follow(this.media.soundTrack?.mediaStreamTrack ?? null), at);
    if (change?.on === true) this.mark({ type: "sound-began", at: change.at });
    if (change?.on === false) this.mark({ type: "sound-ended", at: change.at, unfinished: this.call.unfinished() });
    this.ring.advance(at, this.heard.on);
    const own = this.microphone();
    const level = this.mine.follow(own === null || own.isMuted ? null : own.mediaStreamTrack);
    const voice = this.spoken.hear(level, at);
    if (voice !== null) this.mark({ type: voice.on ? "voice-began" : "voice-ended", at: voice.at });
  };

  private watchFrames(): void {
    this.frame = this.media.video.requestVideoFrameCallback((at, { rtpTimestamp }) => {
      this.ring.shown(at, rtpTimestamp);
      if (this.timers.length > 0) this.watchFrames();
    });
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

/** The level of a track that may be replaced by another one. */
class Meter {
  private track: MediaStreamTrack | null = null;
  private level: Level | null = null;

  follow(track: MediaStreamTrack | null): number {
    if (track !== this.track) {
      this.level?.close();
      this.level = track === null ? null : new Level(track);
      this.track = track;
    }
    return this.level?.read() ?? 0;
  }
}
