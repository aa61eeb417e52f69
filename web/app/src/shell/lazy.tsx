/** Parts that are loaded when they are first shown. */
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Empty } from "./drawings.js";
import { loadMore } from "./more.js";
import { Skeleton } from "./skeleton.js";

/** Return a component that loads the real one, and draws `waiting` meanwhile. A part that cannot be loaded belongs to a version the server no longer has. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>, waiting = <Skeleton />): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const state = useSignal<"loading" | "failed" | "there">(loaded ? "there" : "loading");
    useEffect(() => {
      if (loaded) return;
      Promise.all([load(), loadMore()]).then(
        ([component]) => ((loaded = component), (state.value = "there")),
        () => (state.value = "failed"),
      );
    }, []);
    const Loaded = loaded;
    if (state.value === "there" && Loaded) return <Loaded {...props} />;
    if (state.value === "loading") return waiting;
    return (
      <Empty drawing="update" text={t("error.part")}>
        <button class="button primary" onClick={() => location.reload()}>
          {t("action.reload")}
        </button>
      </Empty>
    );
  };
}
