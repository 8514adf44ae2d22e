/** What was looked at, one row each: a mark and a word for the verdict, and what to do when it is bad. */
import { Icon, type IconName } from "../parts/Icon";
import { words } from "../words";
import type { Row, Verdict } from "./verdicts";

const LOOKS: Record<Verdict, readonly [string, IconName]> = {
  ok: ["ok", "check"],
  bad: ["bad", "cross"],
  unused: ["idle", "minus"],
  waiting: ["idle", "clock"],
};

export function CheckRows({ rows }: { readonly rows: readonly Row[] }) {
  const said: Record<Verdict, string> = {
    ok: words().check.works,
    bad: words().check.fails,
    unused: words().check.unused,
    waiting: words().check.waiting,
  };
  return (
    <ul className="checks">
      {rows.map(({ name, verdict, text }) => {
        const [tone, icon] = LOOKS[verdict];
        return (
          <li key={name} data-verdict={verdict}>
            <span className={`st ${tone}`}><Icon name={icon} small /></span>
            <span><b>{name}</b>{text !== "" && <p>{text}</p>}</span>
            <span className={`verdict ${tone}`}>{said[verdict]}</span>
          </li>
        );
      })}
    </ul>
  );
}
