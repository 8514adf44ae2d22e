/**
 * Whether sound and picture still come in. Both are sent without a pause, silence included, so seconds
 * without a packet are a network that is gone: long before anything reports it. Pure.
 */

export interface Flow {
  /** Readings in a row without a packet; null: none has ever come. */
  readonly dry: number | null;
  readonly stalled: boolean;
}

export const UNKNOWN_FLOW: Flow = { dry: null, stalled: false };

/** Readings a second apart. */
const STALLED_AFTER = 3;

/** packets: that came since the reading before; null: nothing is received at all. */
export function flow({ dry, stalled }: Flow, packets: number | null): Flow {
  if (packets === null) return { dry: null, stalled };
  if (packets > 0) return { dry: 0, stalled: false };
  if (dry === null) return { dry, stalled };
  return { dry: dry + 1, stalled: dry + 1 >= STALLED_AFTER };
}
