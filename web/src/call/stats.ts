/**
 * What the browser's statistics say about the connection. Pure: reports go in, figures come out, and a
 * figure that the browser does not give is null, never a guess.
 *
 * Rates need two readings. The offset of picture against sound compares both playout estimates, each
 * seen from the moment of its own report: the two reports are some milliseconds apart.
 */

export type Path = "UDP" | "TCP" | "relay";

interface Received {
  readonly packets: number;
  readonly lost: number;
  readonly bytes: number;
  readonly frames: number;
  readonly freezes: number;
  readonly jitterMs: number | null;
  /** Sum over all that was played, and how much that was. */
  readonly delayS: number;
  readonly emitted: number;
  /** Sender's clock of what is played now, less the moment of the report. */
  readonly playoutMs: number | null;
}

export interface Reading {
  /** Page time in milliseconds. */
  readonly at: number;
  readonly audio: Received | null;
  readonly video: Received | null;
  readonly rttMs: number | null;
  readonly path: Path | null;
  readonly size: string | null;
}

export interface Figures {
  readonly at: number;
  readonly rttMs: number | null;
  /** 0 to 1, of the packets since the reading before. */
  readonly loss: number | null;
  readonly jitterMs: number | null;
  readonly kbitPerS: number | null;
  /** That came since the reading before; null: nothing is received. */
  readonly packets: number | null;
  readonly fps: number | null;
  /** Positive: the lips are ahead of the sound. */
  readonly offsetMs: number | null;
  readonly audioBufferMs: number | null;
  readonly videoBufferMs: number | null;
  /** Pictures that stood still for longer than they should, since the call began. */
  readonly freezes: number;
  readonly path: Path | null;
  readonly size: string | null;
}

type Entry = Readonly<Record<string, unknown>>;

export function read(reports: readonly (ReadonlyMap<string, unknown> | RTCStatsReport | undefined)[], at: number): Reading {
  const entries = reports.flatMap((report) => (report === undefined ? [] : [...(report.values() as Iterable<Entry>)]));
  const inbound = (kind: string) => entries.find((entry) => entry["type"] === "inbound-rtp" && entry["kind"] === kind);
  const pairs = entries.filter((entry) => entry["type"] === "candidate-pair");
  const pair = pairs.find((entry) => entry["nominated"] === true && entry["state"] === "succeeded") ?? pairs[0];
  const local = entries.find((entry) => entry["type"] === "local-candidate" && entry["id"] === pair?.["localCandidateId"]);
  const rtt = number(pair?.["currentRoundTripTime"]);
  const video = inbound("video");
  const width = number(video?.["frameWidth"]);
  const height = number(video?.["frameHeight"]);
  return {
    at,
    audio: received(inbound("audio")),
    video: received(video),
    rttMs: rtt === null ? null : rtt * 1000,
    path: pathOf(local),
    size: width === null || height === null ? null : `${width} × ${height}`,
  };
}

/** What happened between two readings. */
export function figures(before: Reading, now: Reading): Figures {
  const seconds = (now.at - before.at) / 1000;
  const grown = (of: "packets" | "lost" | "bytes") => growth(before.audio, now.audio, of) + growth(before.video, now.video, of);
  const [packets, lost, bytes] = [grown("packets"), grown("lost"), grown("bytes")];
  const frames = growth(before.video, now.video, "frames");
  const [picture, sound] = [now.video?.playoutMs ?? null, now.audio?.playoutMs ?? null];
  const received = now.audio !== null || now.video !== null;
  return {
    at: now.at,
    rttMs: now.rttMs,
    loss: packets + lost > 0 ? Math.max(0, lost) / (packets + Math.max(0, lost)) : null,
    // sound is sent evenly; a picture that is sent late by a busy machine is no jitter of the network
    jitterMs: now.audio?.jitterMs ?? null,
    kbitPerS: received && (before.audio ?? before.video) !== null && seconds > 0 ? (bytes * 8) / 1000 / seconds : null,
    packets: received ? packets : null,
    fps: now.video !== null && before.video !== null && seconds > 0 ? frames / seconds : null,
    offsetMs: picture === null || sound === null ? null : picture - sound,
    audioBufferMs: buffered(before.audio, now.audio),
    videoBufferMs: buffered(before.video, now.video),
    freezes: now.video?.freezes ?? 0,
    path: now.path,
    size: now.size,
  };
}

function received(entry: Entry | undefined): Received | null {
  if (entry === undefined) return null;
  const count = (name: string) => number(entry[name]) ?? 0;
  const playout = number(entry["estimatedPlayoutTimestamp"]);
  const jitter = number(entry["jitter"]);
  return {
    packets: count("packetsReceived"),
    lost: count("packetsLost"),
    bytes: count("bytesReceived"),
    frames: count("framesDecoded"),
    freezes: count("freezeCount"),
    jitterMs: jitter === null ? null : jitter * 1000,
    delayS: count("jitterBufferDelay"),
    emitted: count("jitterBufferEmittedCount"),
    playoutMs: playout === null || playout === 0 ? null : playout - count("timestamp"),
  };
}

/** How long what was played between two readings had waited in the receiver. */
function buffered(before: Received | null, now: Received | null): number | null {
  const emitted = growth(before, now, "emitted");
  return emitted > 0 ? (growth(before, now, "delayS") / emitted) * 1000 : null;
}

/** A track that was replaced counts from zero again: that is no growth. */
function growth(before: Received | null, now: Received | null, of: "packets" | "lost" | "bytes" | "frames" | "emitted" | "delayS"): number {
  if (before === null || now === null || now.packets < before.packets) return 0;
  return now[of] - before[of];
}

function pathOf(candidate: Entry | undefined): Path | null {
  if (candidate === undefined) return null;
  if (candidate["candidateType"] === "relay") return "relay";
  return candidate["protocol"] === "tcp" ? "TCP" : "UDP";
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
