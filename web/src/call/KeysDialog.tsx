/** The keys behind `?`, and the switch for single letters. */
import { Dialog } from "../parts/Dialog";
import { KEYS } from "./keys";
import { words } from "../words";

interface Props {
  readonly letters: boolean;
  readonly onLetters: (on: boolean) => void;
  readonly onClose: () => void;
}

export function KeysDialog({ letters, onLetters, onClose }: Props) {
  return (
    <Dialog title={words().keys.title} onClose={onClose}>
      <dl className="keylist">
        <div><dt><kbd>{words().keys.space}</kbd></dt><dd>{words().keys.holdSpace}</dd></div>
        {KEYS.map(({ action, shown }) => (
          <div key={action}><dt><Combination shown={shown} /></dt><dd>{words().keys.actions[action]}</dd></div>
        ))}
        <div><dt><kbd>Esc</kbd></dt><dd>{words().keys.escape}</dd></div>
      </dl>
      <label className="switchrow">
        <input type="checkbox" checked={letters} onChange={(event) => { onLetters(event.target.checked); }} />
        <span><b>{words().keys.letters}</b><span className="small muted">{words().keys.lettersMore}</span></span>
      </label>
    </Dialog>
  );
}

function Combination({ shown }: { shown: string }) {
  return shown.split(" ").map((key) => <kbd key={key}>{key}</kbd>);
}
