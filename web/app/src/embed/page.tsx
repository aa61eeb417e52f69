/** The page for frames, `/embed#room=…&layout=chat`: the client fills it. Its fragment has the attributes of the element. */
import type { EmbedOptions } from "./mount.js";

const asked = new URLSearchParams(location.hash.slice(1));
const theme = asked.get("theme");

const options: EmbedOptions = {
  server: document.baseURI,
  token: null,
  tokenUrl: null,
  room: asked.get("room"),
  peer: asked.get("peer"),
  lang: asked.get("lang"),
  theme: theme === "light" || theme === "dark" ? theme : "auto",
  layout: asked.get("layout") === "chat" ? "chat" : "full",
  // A frame tells the page around it nothing: its origin is not known here.
  emit: () => undefined,
};

void import("./mount.js").then(({ mount }) => mount(document.body, options));
