/** The count of unread messages where the window cannot be seen: title, icon of the tab, icon of the installed app. */
import { computed, effect } from "@preact/signals";
import { number } from "../locale/locale.js";
import { config } from "./session.js";
import { settings } from "./settings.js";
import { totalUnread } from "./state.js";

const SIZE = 64;

/** The title of the page without the count; that of the installation. */
const title = computed(() => config.value?.title || "chatd");

/** Keep title and icons as the count says; none where the user wants quiet. */
export function startTitle(): void {
  effect(() => {
    const count = settings.value.quiet ? 0 : totalUnread.value;
    document.title = count ? `(${count > 999 ? "999+" : number(count)}) ${title.value}` : title.value;
    drawIcon(count);
    const badged = count ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.();
    badged?.catch(() => undefined);
  });
}

let drawn = -1;

function drawIcon(count: number): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const shown = Math.min(count, 100);
  if (!link || shown === drawn) return;
  drawn = shown;
  link.dataset.plain ??= link.href;
  if (!count) {
    link.href = link.dataset.plain;
    return;
  }
  const picture = new Image();
  picture.onload = () => {
    if (drawn === shown) link.href = badged(picture, shown);
  };
  picture.src = link.dataset.plain;
}

function badged(picture: HTMLImageElement, count: number): string {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d")!;
  pen.drawImage(picture, 0, 0, SIZE, SIZE);
  pen.fillStyle = "#c0283a";
  pen.beginPath();
  pen.roundRect(count > 9 ? 16 : 28, 24, count > 9 ? 48 : 36, 40, 20);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = "700 30px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.fillText(count > 99 ? "∞" : String(count), count > 9 ? 40 : 46, 55);
  return canvas.toDataURL();
}
