/**
 * Words come ahead of their sound, which waits in the receiver's buffer: they wait for as long. What is
 * held keeps its order; `flush` lets all of it go.
 */
export class Lag<Event> {
  private waiting: { readonly due: number; readonly event: Event }[] = [];
  private timer = 0;

  constructor(
    private readonly lagMs: () => number,
    private readonly pass: (event: Event) => void,
  ) {}

  take(event: Event): void {
    const due = Math.max(performance.now() + this.lagMs(), this.waiting.at(-1)?.due ?? 0);
    this.waiting.push({ due, event });
    if (this.waiting.length === 1) this.wait();
  }

  flush(): void {
    clearTimeout(this.timer);
    const { waiting } = this;
    this.waiting = [];
    for (const { event } of waiting) this.pass(event);
  }

  private wait(): void {
    const [first] = this.waiting;
    if (first !== undefined) this.timer = window.setTimeout(this.release, first.due - performance.now());
  }

  private readonly release = (): void => {
    const [first, ...rest] = this.waiting;
    this.waiting = rest;
    if (first !== undefined) this.pass(first.event);
    this.wait();
  };
}
