/** When sound begins and when it has ended, from levels that come one after another. Pure. */

export interface Change {
  readonly on: boolean;
  /** The first loud moment, or the last one: an end is known only after the pause. */
  readonly at: number;
}

export class Voice {
  private loudAt: number | null = null;
  private lastAt = 0;

  constructor(
    private readonly threshold: number,
    private readonly pauseMs: number,
  ) {}

  get on(): boolean {
    return this.loudAt !== null;
  }

  /** Returns what changed with this level, or null. */
  hear(level: number, at: number): Change | null {
    if (level > this.threshold) {
      this.lastAt = at;
      if (this.loudAt !== null) return null;
      this.loudAt = at;
      return { on: true, at };
    }
    if (this.loudAt === null || at - this.lastAt < this.pauseMs) return null;
    this.loudAt = null;
    return { on: false, at: this.lastAt };
  }
}
