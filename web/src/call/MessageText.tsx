/** The words of a message: as they are, or as markdown once they are complete and the parser is here. */
import { useEffect, useState, type ComponentType } from "react";
import { looksMarked } from "./marks";

type Reader = ComponentType<{ text: string }>;
let loaded: Reader | null = null;

export function MessageText({ text, complete }: { text: string; complete: boolean }) {
  const marked = complete && looksMarked(text);
  const [Markdown, setMarkdown] = useState<Reader | null>(() => loaded);
  useEffect(() => {
    if (!marked || loaded !== null) return;
    let current = true;
    import("./markdown").then(
      (chunk) => {
        loaded = chunk.Markdown;
        if (current) setMarkdown(() => chunk.Markdown);
      },
      () => undefined, // offline: the text stays as it was written
    );
    return () => { current = false; };
  }, [marked]);
  return marked && Markdown !== null ? <Markdown text={text} /> : <p>{text}</p>;
}
