/** A fault while drawing: the pane says so, and the other panes go on. */
import { Component, type ComponentChildren } from "preact";
import { t } from "../locale/locale.js";
import { Empty } from "./drawings.js";

export class Boundary extends Component<{ children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };

  static override getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Empty drawing="broken" title={t("stopped.protocol.title")} text={t("error.drawing")}>
        <button type="button" class="button primary" onClick={() => location.reload()}>
          {t("action.reload")}
        </button>
      </Empty>
    );
  }
}
