/** The banner: at most one line, about the most urgent thing that hinders the user; none while all is well. */
import { canShare } from "@chatd/client/browser";
import { computed, effect, signal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { Icon, type IconName } from "./icons.js";
import { client, closed, phase, signedIn, storageLost, waiting } from "./state.js";
import { outdated, update } from "./update.js";

/** Silence after which the banner says that it connects, and that there is no network. */
const CONNECTING_MS = 2000;
const OFFLINE_MS = 10_000;
/** Closes after which the client waits until it is wanted again: it is open elsewhere, or in too many places. */
const ELSEWHERE: readonly number[] = [4200, 4205];

/** How long the connection has been down: not at all, a moment, long. */
const down = signal<"" | "connecting" | "offline">("");
/** Whether this browser cannot store, or not let tabs work together: each then is a device of its own. */
const alone = !canShare();

interface BannerContent {
  icon: IconName;
  text: string;
  action?: { label: string; press: () => void };
}

const comeBack = () => void client().resume();

const content = computed<BannerContent | null>(() => {
  if (ELSEWHERE.includes(closed.value?.code ?? 0))
    return { icon: "info", text: t("banner.elsewhere"), action: { label: t("banner.here"), press: comeBack } };
  if (down.value === "offline") {
    const count = waiting.value;
    return { icon: "offline", text: count ? t("banner.offline.waiting", { count }) : t("banner.offline") };
  }
  if (down.value) return { icon: "refresh", text: t("banner.connecting") };
  if (outdated.value) return { icon: "refresh", text: t("banner.updated"), action: { label: t("banner.update"), press: update } };
  if (storageLost.value) return { icon: "alert", text: t("banner.memory") };
  return signedIn.value && alone ? { icon: "alert", text: t("banner.alone") } : null;
});

/** Watch the phase, and keep the user from closing a tab that holds the only copy of what they wrote. */
export function startBanner(): () => void {
  let timers: ReturnType<typeof setTimeout>[] = [];
  const stop = effect(() => {
    const lost = signedIn.value && phase.value !== "ready" && closed.value === null;
    if (lost && timers.length) return;
    timers.forEach(clearTimeout);
    timers = [];
    if (!lost) down.value = "";
    else
      timers = [
        setTimeout(() => (down.value = "connecting"), CONNECTING_MS),
        setTimeout(() => (down.value = "offline"), OFFLINE_MS),
      ];
  });
  const warn = (event: Event) => waiting.peek() > 0 && (storageLost.peek() || alone) && event.preventDefault();
  window.addEventListener("beforeunload", warn);
  return () => (stop(), window.removeEventListener("beforeunload", warn));
}

export function Banner() {
  const shown = content.value;
  return (
    <div class="banner-place" role="status">
      {shown && (
        <div class="banner">
          <Icon name={shown.icon} />
          <span>{shown.text}</span>
          {shown.action && (
            <button type="button" class="banner-action" onClick={shown.action.press}>
              {shown.action.label}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
