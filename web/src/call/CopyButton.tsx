/** Copies a text, and says that it did. */
import { useState } from "react";
import { Icon } from "../parts/Icon";
import { words } from "../words";

export function CopyButton({ text, label = words().chat.copyAll }: { text: () => string; label?: string }) {
  const { copied, copy } = useCopy(text);
  return (
    <button className="ib sm" type="button" aria-label={copied ? words().copied : label} title={label} onClick={copy}>
      <Icon name={copied ? "check" : "copy"} small />
    </button>
  );
}

/** One message's, in its line of name and time. */
export function CopyWords({ text }: { text: string }) {
  const { copied, copy } = useCopy(() => text);
  const label = copied ? words().copied : words().chat.copyOne;
  return (
    <button className="mini copy" type="button" aria-label={label} title={label} onClick={copy}>
      <Icon name={copied ? "check" : "copy"} />
    </button>
  );
}

function useCopy(text: () => string) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard.writeText(text()).then(
      () => { setCopied(true); },
      () => { setCopied(false); },
    );
  };
  return { copied, copy };
}
