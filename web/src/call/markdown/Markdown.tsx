/**
 * A message's markdown as elements, each made by hand from the parsed tree: what is not named here
 * cannot appear. HTML in a message is shown as the text it is, pictures as their description, and a link
 * goes only to the web or to a mail address, in a new tab that knows nothing of this page.
 */
import type { Nodes, Parents } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { Fragment, type ReactNode } from "react";

/** Deeper than anyone writes; a message of a thousand ">" is shown flat. */
const DEEPEST = 12;
const SAFE_LINK = /^(https?:\/\/|mailto:)/i;

export function Markdown({ text }: { text: string }) {
  return <div className="md">{children(fromMarkdown(text), 0)}</div>;
}

function children(parent: Parents, depth: number): ReactNode {
  if (depth > DEEPEST) return null;
  return parent.children.map((child, index) => <Fragment key={index}>{element(child, depth + 1)}</Fragment>);
}

function element(node: Nodes, depth: number): ReactNode {
  switch (node.type) {
    case "text":
      return node.value;
    case "html":
      return node.value;
    case "paragraph":
      return <p>{children(node, depth)}</p>;
    case "heading":
      // inside a conversation a heading is a strong line: it must not enter the page's own outline
      return <p><strong>{children(node, depth)}</strong></p>;
    case "strong":
      return <strong>{children(node, depth)}</strong>;
    case "emphasis":
      return <em>{children(node, depth)}</em>;
    case "inlineCode":
      return <code>{node.value}</code>;
    case "code":
      return <pre tabIndex={0}><code>{node.value}</code></pre>;
    case "break":
      return <br />;
    case "thematicBreak":
      return <hr />;
    case "blockquote":
      return <blockquote>{children(node, depth)}</blockquote>;
    case "list":
      return node.ordered === true ? <ol start={node.start ?? 1}>{children(node, depth)}</ol> : <ul>{children(node, depth)}</ul>;
    case "listItem":
      return <li>{children(node, depth)}</li>;
    case "link":
      return SAFE_LINK.test(node.url) ? (
        <a href={node.url} target="_blank" rel="noopener noreferrer nofollow">{children(node, depth)}</a>
      ) : (
        children(node, depth)
      );
    case "linkReference":
      return children(node, depth);
    case "image":
    case "imageReference":
      return node.alt ?? "";
    default:
      return null;
  }
}
