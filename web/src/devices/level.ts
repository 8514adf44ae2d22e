/** How loud a track is now. Needs a page that was pressed once, else the level stays 0. */
import { useEffect, useState } from "react";

const EVERY_MS = 40;
/** 21 ms at 48 kHz: what a reader that comes every 20 ms must see. */
const WINDOW = 1024;
/** 43 ms: a meter that looks every 40 ms misses nothing. */
const METER_WINDOW = 2048;
/** Quieter than this is a quiet room; louder is a full bar. dB of full scale. */
const FLOOR_DB = -60;
const FULL_DB = -12;

/** One context for every meter: each would be a thread of its own. Closed with the last of them. */
let shared: { readonly context: AudioContext; users: number } | null = null;

/** Listens to a track until it is closed; the track itself is never touched. */
export class Level {
  private readonly samples: Float32Array<ArrayBuffer>;
  private readonly source: MediaStreamAudioSourceNode;
  private readonly analyser: AnalyserNode;
  private closed = false;

  constructor(track: MediaStreamTrack, window = WINDOW) {
    this.samples = new Float32Array(window);
    shared ??= { context: new AudioContext(), users: 0 };
    shared.users += 1;
    const { context } = shared;
    void context.resume().catch(() => undefined); // closed before it began
    this.analyser = new AnalyserNode(context, { fftSize: window });
    this.source = context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(this.analyser);
  }

  /** 0 (a quiet room) to 1 (a loud voice). */
  read(): number {
    this.analyser.getFloatTimeDomainData(this.samples);
    return loudness(this.samples);
  }

  /** Twice is fine. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.source.disconnect();
    if (shared === null) return;
    shared.users -= 1;
    if (shared.users > 0) return;
    void shared.context.close();
    shared = null;
  }
}

export function loudness(samples: Float32Array): number {
  let power = 0;
  for (const sample of samples) power += sample * sample;
  const decibel = 10 * Math.log10(Math.max(power / samples.length, 1e-12));
  return Math.min(1, Math.max(0, (decibel - FLOOR_DB) / (FULL_DB - FLOOR_DB)));
}

/** The level in `steps` whole steps, 25 times a second, so that only a visible change renders. */
export function useLevel(track: MediaStreamTrack | null, steps: number): number {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    if (track === null) return;
    const listening = new Level(track, METER_WINDOW);
    const timer = setInterval(() => {
      setLevel(Math.round(listening.read() * steps));
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
      listening.close();
      setLevel(0);
    };
  }, [track, steps]);
  return level;
}
