/** Choose the part of a picture that is shown of a person or a group, and send it. */
import "./crop_styles.js";
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { UploadRefused, type Purpose } from "@chatd/client/media";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { Crop } from "./crop.js";
import { media } from "./uploads.js";

/** The shape of each picture, and its pixels on the longer side. */
const SHAPES = {
  avatar: { ratio: 1, pixels: 1024 },
  cover: { ratio: 3, pixels: 1800 },
} as const;
const QUALITY = 0.9;
/** Pixels of a key. */
const STEP_PX = 12;

interface CropProps {
  file: Blob;
  purpose: keyof typeof SHAPES & Purpose;
  /** Called with the address of what was sent; what it throws is told. */
  onDone: (address: string) => Promise<unknown>;
}

export function CropDialog({ file, purpose, onDone }: CropProps) {
  const { ratio, pixels } = SHAPES[purpose];
  const box = useRef<HTMLDivElement>(null);
  const crop = useMemo(() => new Crop(), []);
  const address = useMemo(() => URL.createObjectURL(file), [file]);
  const part = useSignal<number | undefined>(undefined);
  const abort = useMemo(() => new AbortController(), []);
  useEffect(
    () => () => {
      URL.revokeObjectURL(address);
      abort.abort();
    },
    [address],
  );
  useLayoutEffect(() => crop.follow(box.current!), [crop]);
  const unreadable = () => {
    closeDialog();
    notify(t("media.crop.unreadable"));
  };
  const save = async () => {
    if (part.peek() !== undefined || !crop.ready.peek()) return;
    part.value = 0;
    try {
      const blob = await crop.cut(pixels, QUALITY);
      const onProgress = (bytes: number) => (part.value = Math.min(1, bytes / blob.size));
      await onDone(await media().upload(blob, { purpose, signal: abort.signal, onProgress }));
      closeDialog();
    } catch (error) {
      part.value = undefined;
      if (!abort.signal.aborted) notify(error instanceof UploadRefused && error.code === "quota" ? t("media.refused.quota") : errorText(error));
    }
  };
  const actions = (
    <>
      <button type="button" class="button" onClick={closeDialog}>
        {t("action.cancel")}
      </button>
      <button type="submit" class="button primary" disabled={part.value !== undefined || !crop.ready.value}>
        {part.value === undefined ? t("action.save") : t("media.crop.sending", { percent: Math.round(part.value * 100) })}
      </button>
    </>
  );
  const onKey = (event: KeyboardEvent) => {
    const moves: Record<string, [number, number]> = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const [x, y] = moves[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    event.stopPropagation();
    crop.move(x * STEP_PX, y * STEP_PX);
  };
  return (
    <Dialog title={t(purpose === "avatar" ? "media.crop.avatar" : "media.crop.cover")} actions={actions} onSubmit={() => void save()}>
      <div
        ref={box}
        class={`crop of-${purpose}`}
        style={{ aspectRatio: `${ratio}` }}
        tabIndex={0}
        role="application"
        aria-label={t("media.crop.hint")}
        onKeyDown={onKey}
      >
        <img src={address} alt="" draggable={false} onLoad={(event) => crop.loaded(event.currentTarget)} onError={unreadable} />
        <span class="crop-mask" aria-hidden="true" />
      </div>
      <label class="crop-zoom">
        <Icon name="picture" />
        <input
          type="range"
          min={0}
          max={100}
          value={crop.zoom.value}
          aria-label={t("media.crop.zoom")}
          onInput={(event) => crop.zoomTo(Number(event.currentTarget.value))}
        />
      </label>
      <p class="quiet small crop-hint">{t("media.crop.hint")}</p>
    </Dialog>
  );
}
