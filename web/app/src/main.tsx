import { render } from "preact";
import "./style.css";

render(<main>chatd</main>, document.body);
