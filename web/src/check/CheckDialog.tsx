/** The connection check of the start screen: names what fails, and what to do about it. */
import { Dialog } from "../parts/Dialog";
import { Icon } from "../parts/Icon";
import { words } from "../words";
import { CheckRows } from "./CheckRows";
import { useCheck } from "./useCheck";
import { isGood } from "./verdicts";

export function CheckDialog({ onClose }: { readonly onClose: () => void }) {
  const { rows, again } = useCheck();
  const good = isGood(rows);
  const w = words().check;
  return (
    <Dialog title={w.title} onClose={onClose}>
      <p className="muted" role="status">{good === null ? w.looking : good ? w.good : w.bad}</p>
      <CheckRows rows={rows} />
      <div className="acts end">
        <button className="btn" type="button" disabled={good === null} onClick={again}><Icon name="again" small />{w.again}</button>
      </div>
    </Dialog>
  );
}
