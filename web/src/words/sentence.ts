/** What happened, and what to do. */
export interface Sentence {
  readonly title: string;
  readonly text: string;
}
