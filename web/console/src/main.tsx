/** The entry of the console: a link signs in, else the cookie of an earlier one may still be good. */
import { render } from "preact";
import { checkSession } from "./api.js";
import { Console } from "./shell.js";
import { takeLink } from "./sign_in.js";
import "./style/console.css";
import { apply } from "./theme.js";

apply();
await takeLink();
await checkSession();
render(<Console />, document.body);

// A link that is opened in a tab of the console changes its address only.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#key=")) void takeLink();
});
