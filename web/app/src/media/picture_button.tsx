/** The button that chooses a picture of a person or a group. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { openDialog } from "../shell/dialog.js";

interface PictureButtonProps {
  purpose: "avatar" | "cover";
  label: string;
  class: string;
  children: ComponentChildren;
  /** Called with the address of the picture that was sent. */
  onDone: (address: string) => Promise<unknown>;
}

export function PictureButton({ purpose, label, class: look, children, onDone }: PictureButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  const chosen = () => {
    const [file] = input.current!.files ?? [];
    input.current!.value = "";
    if (file) void openDialog(async () => (await import("./crop_dialog.js")).CropDialog, { file, purpose, onDone });
  };
  return (
    <>
      <button type="button" class={look} aria-label={label} title={label} onClick={() => input.current!.click()}>
        {children}
      </button>
      <input ref={input} type="file" accept="image/*" hidden aria-label={label} onChange={chosen} />
    </>
  );
}
