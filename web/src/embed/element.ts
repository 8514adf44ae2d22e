/**
 * <visavis-call>: a call on another site. Closed it is a round button with a face; pressed, the call opens
 * in a frame of the Visavis server. One script without imports, so that a site adds one line:
 *
 *   <script src="https://visavis.example/embed.js" defer></script>
 *   <visavis-call persona="jun"></visavis-call>
 *
 * Attributes: persona, server (where the script came from, unless given), label, sublabel, lang, theme
 * (light, dark). Events: visavis-open, visavis-close. The server must name the site in VISAVIS_EMBED_ORIGINS.
 */
(() => {
  const TAG = "visavis-call";
  const here = document.currentScript instanceof HTMLScriptElement ? new URL(document.currentScript.src).origin : location.origin;
  const ALLOW = "microphone; camera; autoplay; display-capture; fullscreen; picture-in-picture; screen-wake-lock";

  interface Words {
    readonly talk: (name: string) => string;
    readonly answers: string;
    readonly call: (name: string) => string;
  }
  const WORDS: Readonly<Record<string, Words>> = {
    en: { talk: (name) => `Talk to ${name}`, answers: "An AI, answers now", call: (name) => `Call with ${name}` },
    de: { talk: (name) => `Sprich mit ${name}`, answers: "Eine KI, antwortet sofort", call: (name) => `Gespräch mit ${name}` },
  };

  interface Card {
    readonly id: string;
    readonly name: string;
    readonly role: string;
    readonly poster: string | null;
  }

  const STYLE = `
    :host { --ink: light-dark(#14211E, #EDF3EF); --ink-2: light-dark(#43524D, #B3C1BB); --ground: light-dark(#fff, #152120);
      --line: light-dark(#D3DAD1, #2B3B38); --them: light-dark(#0B655E, #74D3C2);
      --shadow: 0 2px 6px light-dark(rgba(20,33,30,.1), rgba(0,0,0,.5)), 0 24px 64px light-dark(rgba(20,33,30,.2), rgba(0,0,0,.56));
      color-scheme: light dark; position: fixed; right: 1.5rem; bottom: 1.5rem; z-index: 2147483000; font: 400 16px/1.4 system-ui, sans-serif; }
    :host([theme="light"]) { color-scheme: light; }
    :host([theme="dark"]) { color-scheme: dark; }
    [hidden] { display: none !important; }
    button { display: flex; align-items: center; gap: .8rem; padding: .5rem 1.4rem .5rem .5rem; border: 1px solid var(--line);
      border-radius: 99px; background: var(--ground); box-shadow: var(--shadow); color: var(--ink); font: inherit; text-align: left; cursor: pointer; }
    button:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
    .face { width: 4rem; height: 4rem; border-radius: 50%; overflow: hidden; flex: none; background: #9db0a6;
      box-shadow: 0 0 0 2px var(--ground), 0 0 0 4px var(--them); }
    .face img { display: block; width: 100%; height: 100%; object-fit: cover; transform: scale(1.12); }
    b, small { display: block; }
    small { font-size: 15px; color: var(--ink-2); }
    iframe { display: block; width: min(24.5rem, calc(100vw - 3rem)); height: min(39rem, calc(100dvh - 3rem)); border: 1px solid var(--line);
      border-radius: 26px; background: var(--ground); box-shadow: var(--shadow); color-scheme: inherit; }
    @media (max-width: 30rem) {
      :host { right: .75rem; bottom: .75rem; }
      :host(:state(open)) { inset: 0; }
      iframe { width: 100vw; height: 100dvh; border: 0; border-radius: 0; }
    }`;

  class VisavisCall extends HTMLElement {
    private readonly root = this.attachShadow({ mode: "open" });
    private readonly states = this.attachInternals();
    private readonly button = document.createElement("button");
    private frame: HTMLIFrameElement | null = null;
    private card: Card | null = null;

    connectedCallback(): void {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE); // a made sheet, because a site's policy may forbid style elements
      this.root.adoptedStyleSheets = [sheet];
      this.button.type = "button";
      this.button.hidden = true; // until it is known that somebody is there
      this.button.addEventListener("click", this.open);
      this.root.append(this.button);
      window.addEventListener("message", this.told);
      void this.load();
    }

    disconnectedCallback(): void {
      window.removeEventListener("message", this.told);
      this.frame?.remove();
      this.frame = null;
    }

    readonly open = (): void => {
      if (this.frame !== null || this.card === null) return;
      const frame = document.createElement("iframe");
      frame.src = this.address();
      frame.allow = ALLOW;
      frame.title = this.words.call(this.card.name);
      this.frame = frame;
      this.button.hidden = true;
      this.root.append(frame);
      this.states.states.add("open");
      frame.focus();
      this.dispatchEvent(new CustomEvent("visavis-open", { bubbles: true }));
    };

    readonly close = (): void => {
      if (this.frame === null) return;
      this.frame.remove();
      this.frame = null;
      this.states.states.delete("open");
      this.button.hidden = false;
      this.button.focus();
      this.dispatchEvent(new CustomEvent("visavis-close", { bubbles: true }));
    };

    private get server(): string {
      return this.getAttribute("server")?.replace(/\/+$/, "") ?? here;
    }

    private get words(): Words {
      const asked = this.closest("[lang]")?.getAttribute("lang") ?? navigator.language;
      return WORDS[asked.slice(0, 2)] ?? (WORDS["en"] as Words);
    }

    private address(): string {
      const query = new URLSearchParams({ embed: "1", start: "1", persona: this.card?.id ?? "" });
      const asked = { lang: this.closest("[lang]")?.getAttribute("lang"), theme: this.getAttribute("theme") };
      for (const [name, value] of Object.entries(asked)) if (value != null) query.set(name, value);
      return `${this.server}/?${query.toString()}`;
    }

    private async load(): Promise<void> {
      try {
        const answer = await fetch(`${this.server}/api/personas`);
        const list = (await answer.json()) as { default: string; personas: readonly Card[] };
        const wanted = this.getAttribute("persona") ?? list.default;
        this.card = list.personas.find(({ id }) => id === wanted) ?? null;
        if (this.card === null) throw new Error(`there is no persona ${wanted}`);
        this.draw(this.card);
      } catch (error) {
        // for whoever builds the site; its visitors see nothing
        // eslint-disable-next-line no-console
        console.error(`<${TAG}>: no call with ${this.server}. Does it run, and does VISAVIS_EMBED_ORIGINS name ${location.origin}?`, error);
      }
    }

    private draw({ name, poster }: Card): void {
      const face = document.createElement("span");
      face.className = "face";
      if (poster !== null) {
        const image = document.createElement("img");
        image.src = `${this.server}${poster}`;
        image.alt = "";
        face.append(image);
      }
      const text = document.createElement("span");
      const [first, second] = [document.createElement("b"), document.createElement("small")];
      first.textContent = this.getAttribute("label") ?? this.words.talk(name);
      second.textContent = this.getAttribute("sublabel") ?? this.words.answers;
      text.append(first, second);
      if (!this.hasAttribute("role")) {
        this.setAttribute("role", "region");
        this.setAttribute("aria-label", first.textContent);
      }
      this.button.replaceChildren(face, text);
      this.button.hidden = this.frame !== null;
    }

    private readonly told = (event: MessageEvent<unknown>): void => {
      if (event.source !== this.frame?.contentWindow || event.origin !== new URL(this.server).origin) return;
      const { type } = (event.data ?? {}) as { type?: unknown };
      if (type === "visavis:close") this.close();
    };
  }

  if (customElements.get(TAG) === undefined) customElements.define(TAG, VisavisCall);
})();
