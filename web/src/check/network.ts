/**
 * Tries the ways a call can travel, in a room of its own that no agent comes to: the best one, then what
 * else the server offers. Each try is one connection, closed again.
 */
import { Room, RoomEvent, type RoomConnectOptions } from "livekit-client";
import { ask, failed, type Ticket } from "../api";
import type { Tried } from "./verdicts";

const PATIENCE_MS = 8000;

interface Way {
  readonly path: Tried["path"];
  readonly rttMs: number | null;
  readonly offersTcp: boolean;
  readonly offersTurn: boolean;
}

/** Rejects with an ApiError when the gateway gives no token. */
export async function tryNetwork(): Promise<Tried> {
  const none = { signal: false, path: null, rttMs: null, tcp: null, turn: null };
  let signal = false;
  const best = await connect({}, () => { signal = true; });
  if (best === null) return { ...none, signal };
  const { path, rttMs, offersTcp, offersTurn } = best;
  const tcp = path === "tcp" ? true : offersTcp ? await works("tcp") : null;
  const turn = path === "relay" ? true : offersTurn ? await works("relay") : null;
  return { signal: true, path, rttMs, tcp, turn };
}

async function works(way: "tcp" | "relay"): Promise<boolean> {
  if (way === "relay") return (await connect({ rtcConfig: { iceTransportPolicy: "relay" } })) !== null;
  return (await connect({}, () => undefined, true))?.path === "tcp";
}

/** One connection and what it showed; null: it did not come about. */
async function connect(options: RoomConnectOptions, onSignal = (): void => undefined, forceTcp = false): Promise<Way | null> {
  const answer = await ask("/api/check", { method: "POST" });
  if (!answer.ok) throw await failed(answer);
  const ticket = (await answer.json()) as Ticket;
  const room = new Room({ reconnectPolicy: { nextRetryDelayInMs: () => null } });
  room.on(RoomEvent.SignalConnected, onSignal);
  try {
    await room.connect(ticket.server_url, ticket.participant_token, { peerConnectionTimeout: PATIENCE_MS, maxRetries: 0, ...options });
    if (forceTcp) await over(room);
    return await look(room);
  } catch {
    return null;
  } finally {
    await room.disconnect();
  }
}

/** Asks the server to send by TCP only, and waits until that stands or has failed. */
async function over(room: Room): Promise<void> {
  const standing = new Promise<void>((resolve, reject) => {
    room.once(RoomEvent.Reconnected, () => { resolve(); });
    room.once(RoomEvent.Disconnected, () => { reject(new Error("no way by TCP")); });
    setTimeout(() => { reject(new Error("no way by TCP in time")); }, PATIENCE_MS);
  });
  await room.simulateScenario("force-tcp");
  await standing;
}

/** Only the candidates that are in use, and those that the server named. */
type Entry = Partial<RTCIceCandidatePairStats> & { readonly protocol?: string; readonly candidateType?: string };

async function look({ engine }: Room): Promise<Way> {
  const { subscriber, publisher } = engine.pcManager ?? {};
  const report = (await (subscriber ?? publisher)?.getStats()) as Map<string, Entry> | undefined;
  const entries = [...(report?.values() ?? [])];
  const pair = entries.find(({ type, nominated, state }) => type === "candidate-pair" && nominated === true && state === "succeeded");
  const local = report?.get(pair?.localCandidateId ?? "");
  const path = local?.candidateType === "relay" ? "relay" : local?.protocol === "tcp" ? "tcp" : "udp";
  const rtt = pair?.currentRoundTripTime;
  const urls = engine.latestJoinResponse?.iceServers.flatMap((server) => server.urls) ?? [];
  return {
    path,
    rttMs: rtt === undefined ? null : Math.max(1, Math.round(rtt * 1000)),
    offersTcp: entries.some(({ type, protocol }) => type === "remote-candidate" && protocol === "tcp"),
    offersTurn: urls.some((url) => url.startsWith("turn")),
  };
}
