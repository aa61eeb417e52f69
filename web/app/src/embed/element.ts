/** The custom element `<chatd-chat>` (docs/web.md, "In a page of yours"). It is small: what it shows is loaded when the
 * browser is idle.
 *
 * Everything it shows is in one shadow root, so the styles of the page and those of the client do not meet.
 */
import type { Embedded, EmbedOptions } from "./mount.js";

const ATTRIBUTES = ["server", "token-url", "room", "peer", "lang", "theme", "layout"] as const;
/** The folder this script was loaded from: the address of the server, unless the page names another. */
const HERE = new URL("./", import.meta.url).href;

class ChatdChat extends HTMLElement {
  static readonly observedAttributes = ATTRIBUTES;
  #token: EmbedOptions["token"] = null;
  #embedded: Promise<Embedded> | null = null;

  /** A function of the page that gives a token for its user; it is asked whenever one is needed. */
  get token(): EmbedOptions["token"] {
    return this.#token;
  }

  set token(token: EmbedOptions["token"]) {
    this.#token = token;
    this.#change();
  }

  connectedCallback(): void {
    // Set by the page before this class was there, the property hides the one of the class.
    if (Object.hasOwn(this, "token")) {
      const { token } = this;
      delete (this as { token?: unknown }).token;
      this.token = token;
    }
    const start = () => this.isConnected && !this.#embedded && this.#start();
    if ("requestIdleCallback" in window) requestIdleCallback(start, { timeout: 2000 });
    else setTimeout(start, 200);
  }

  disconnectedCallback(): void {
    const embedded = this.#embedded;
    this.#embedded = null;
    void embedded?.then(({ unmount }) => unmount());
  }

  attributeChangedCallback(): void {
    this.#change();
  }

  #start(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const embedded = import("./mount.js").then(({ mount }) => mount(root, this.#options()));
    this.#embedded = embedded;
    embedded.catch((error: unknown) => {
      this.#embedded = null;
      this.#emit("error", { code: "load", message: String(error) });
    });
  }

  #change(): void {
    this.#embedded?.then(({ change }) => change(this.#options())).catch(() => undefined);
  }

  #options(): EmbedOptions {
    const [server, tokenUrl, room, peer, lang, theme, layout] = ATTRIBUTES.map((name) => this.getAttribute(name));
    return {
      server: new URL(server || HERE, document.baseURI).href,
      token: this.#token,
      tokenUrl: tokenUrl || null,
      room: room || null,
      peer: peer || null,
      lang: lang || null,
      theme: theme === "light" || theme === "dark" ? theme : "auto",
      layout: layout === "chat" ? "chat" : "full",
      emit: (name, detail) => this.#emit(name, detail),
    };
  }

  #emit(name: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(`chatd-${name}`, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get("chatd-chat")) customElements.define("chatd-chat", ChatdChat);
