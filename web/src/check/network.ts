/**
 * Tries the ways a call can travel, in a room of its own that no agent comes to: the best one, then what
 * else the server offers. Each try is one connection, closed again.
 */
import { Room, RoomEvent, type RoomConnectOptions } from "livekit-client";
import { ask, failed, type Ticket } from "../api";
import type { Tried } from "./verdicts";

const PATIENCE_MS = 8000;
const LOOK_EVERY_MS = 250;

/** What one connection showed. */
interface Seen {
  signal: boolean;
  path: Tried["path"];
  rttMs: number | null;
  offersTcp: boolean;
  offersTurn: boolean;
}

/** Rejects with an ApiError when the gateway gives no token. */
export async function tryNetwork(): Promise<Tried> {
  const { signal, path, rttMs, offersTcp, offersTurn } = await connect();
  const also = async (way: "tcp" | "relay", offered: boolean) => path === way || (offered ? path !== null && (await works(way)) : null);
  const tcp = await also("tcp", offersTcp);
  const turn = await also("relay", offersTurn);
  return { signal, path, rttMs, tcp, turn };
}

async function works(way: "tcp" | "relay"): Promise<boolean> {
  const { path } = way === "relay" ? await connect({ rtcConfig: { iceTransportPolicy: "relay" } }) : await connect({}, over);
  return path === way;
}

/** One connection; where none comes about, what was seen of it until then. */
async function connect(options: RoomConnectOptions = {}, change?: (room: Room) => Promise<void>): Promise<Seen> {
  const answer = await ask("/api/check", { method: "POST" });
  if (!answer.ok) throw await failed(answer);
  const ticket = (await answer.json()) as Ticket;
  // the change to TCP is one reconnection; no other is made
  const room = new Room({ reconnectPolicy: { nextRetryDelayInMs: ({ retryCount }) => (change !== undefined && retryCount === 0 ? 0 : null) } });
  const seen: Seen = { signal: false, path: null, rttMs: null, offersTcp: false, offersTurn: false };
  room.on(RoomEvent.SignalConnected, () => { seen.signal = true; });
  // a connection that fails takes with it what the server had offered
  const looking = setInterval(() => { Object.assign(seen, offers(room)); }, LOOK_EVERY_MS);
  try {
    await room.connect(ticket.server_url, ticket.participant_token, { peerConnectionTimeout: PATIENCE_MS, maxRetries: 0, ...options });
    await change?.(room);
    Object.assign(seen, offers(room), await look(room));
  } catch {
    seen.path = null;
  } finally {
    clearInterval(looking);
    await room.disconnect();
  }
  return seen;
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

/** What the server names beside UDP; nothing while it has not been asked. */
function offers({ engine }: Room): Partial<Seen> {
  const sdp = (engine.pcManager?.subscriber ?? engine.pcManager?.publisher)?.getRemoteDescription()?.sdp;
  if (sdp === undefined) return {};
  const urls = engine.latestJoinResponse?.iceServers.flatMap((server) => server.urls) ?? [];
  return { offersTcp: /^a=candidate:\S+ \d+ tcp /im.test(sdp), offersTurn: urls.some((url) => url.startsWith("turn")) };
}

/** Only the candidates that are in use. */
type Entry = Partial<RTCIceCandidatePairStats> & { readonly protocol?: string; readonly candidateType?: string };

async function look({ engine }: Room): Promise<Pick<Seen, "path" | "rttMs">> {
  const { subscriber, publisher } = engine.pcManager ?? {};
  const report = (await (subscriber ?? publisher)?.getStats()) as Map<string, Entry> | undefined;
  const entries = [...(report?.values() ?? [])];
  const pair = entries.find(({ type, nominated, state }) => type === "candidate-pair" && nominated === true && state === "succeeded");
  const local = report?.get(pair?.localCandidateId ?? "");
  const path = local?.candidateType === "relay" ? "relay" : local?.protocol === "tcp" ? "tcp" : "udp";
  const rtt = pair?.currentRoundTripTime;
  return { path, rttMs: rtt === undefined ? null : Math.max(1, Math.round(rtt * 1000)) };
}
