/** What went wrong with a photo, said at once to those who do not see it. */
import { Icon } from "../../parts/Icon";
import type { Sentence } from "../../problems";

export function ProblemNote({ sentence: { title, text } }: { readonly sentence: Sentence }) {
  return (
    <p className="note warn problem" role="alert">
      <Icon name="info" small />
      <span><b>{title}.</b> {text}</span>
    </p>
  );
}
