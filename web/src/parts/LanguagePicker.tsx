/** The language of the page: a native select, so that every keyboard and screen reader knows it. */
import { choose, language, LANGUAGE_NAMES, LANGUAGES, words, type Language } from "../words";
import { Icon } from "./Icon";

export function LanguagePicker() {
  return (
    <span className="langpick">
      <Icon name="globe" small />
      <select
        aria-label={words().speakLanguage}
        value={language()}
        onChange={(event) => { choose(event.target.value as Language); }}
      >
        {LANGUAGES.map((one) => <option key={one} value={one} lang={one}>{LANGUAGE_NAMES[one]}</option>)}
      </select>
      <Icon name="down" small />
    </span>
  );
}
