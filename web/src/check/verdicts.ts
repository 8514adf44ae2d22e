/**
 * What a try of the network means, row by row: what was looked at, whether it works, what to do. Pure;
 * network.ts does the trying.
 */
import { words } from "../words";

/** "unused": not there, and not needed. */
export type Verdict = "ok" | "bad" | "unused" | "waiting";

export interface Row {
  readonly name: string;
  readonly verdict: Verdict;
  readonly text: string;
}

/** What one connection to livekit-server showed; null: it was not made. */
export interface Tried {
  /** The WebSocket was opened and the token accepted. */
  readonly signal: boolean;
  /** The way the connection took; null: none got through. */
  readonly path: "udp" | "tcp" | "relay" | null;
  readonly rttMs: number | null;
  /** null: the server does not offer it; else whether it works. */
  readonly tcp: boolean | null;
  readonly turn: boolean | null;
}

export interface Surroundings {
  readonly webrtc: boolean;
  readonly secure: boolean;
  readonly host: string;
  /** null: not asked yet. */
  readonly gateway: boolean | null;
  /** null: not tried yet. */
  readonly tried: Tried | null;
}

export function rows({ webrtc, secure, host, gateway, tried }: Surroundings): readonly Row[] {
  const w = words().check;
  const row = (name: string, verdict: Verdict, text: string): Row => ({ name, verdict, text });
  const list = [
    webrtc ? row(w.browser, "ok", w.browserOk) : row(w.browser, "bad", w.browserBad),
    secure ? row(w.page, "ok", w.pageOk) : row(w.page, "bad", w.pageBad(host)),
  ];
  if (!webrtc) return list;
  if (gateway === null) return [...list, row(w.gateway, "waiting", "")];
  if (!gateway) return [...list, row(w.gateway, "bad", w.gatewayBad)];
  list.push(row(w.gateway, "ok", w.gatewayOk));
  if (tried === null) return [...list, ...[w.signal, w.udp, w.tcp, w.turn].map((name) => row(name, "waiting", ""))];
  if (!tried.signal) return [...list, row(w.signal, "bad", w.signalBad)];
  return [...list, row(w.signal, "ok", w.signalOk), udp(tried), tcp(tried), turn(tried)];
}

function udp({ path, rttMs }: Tried): Row {
  const w = words().check;
  if (path === "udp") return { name: w.udp, verdict: "ok", text: w.udpOk(rttMs) };
  return { name: w.udp, verdict: "bad", text: path === null ? w.noWay : w.udpBad };
}

function tcp({ tcp: works, path }: Tried): Row {
  const w = words().check;
  if (works === null) return { name: w.tcp, verdict: path === null ? "bad" : "unused", text: w.tcpNone };
  return works ? { name: w.tcp, verdict: "ok", text: w.tcpOk } : { name: w.tcp, verdict: "bad", text: w.tcpBad };
}

function turn({ turn: works }: Tried): Row {
  const w = words().check;
  if (works === null) return { name: w.turn, verdict: "unused", text: w.turnNone };
  return works ? { name: w.turn, verdict: "ok", text: w.turnOk } : { name: w.turn, verdict: "bad", text: w.turnBad };
}

/** null while something is still looked at. */
export function isGood(list: readonly Row[]): boolean | null {
  if (list.some(({ verdict }) => verdict === "bad")) return false;
  return list.some(({ verdict }) => verdict === "waiting") ? null : true;
}
