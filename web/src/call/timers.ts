/** Timers by name: setting one again replaces it, and all of them can be ended at once. */
export class Timers<Name extends string> {
  private readonly running = new Map<Name, number>();

  after(name: Name, ms: number, act: () => void): void {
    this.clear(name);
    this.running.set(name, window.setTimeout(act, ms));
  }

  clear(name: Name): void {
    clearTimeout(this.running.get(name));
    this.running.delete(name);
  }

  clearAll(): void {
    for (const name of [...this.running.keys()]) this.clear(name);
  }
}
