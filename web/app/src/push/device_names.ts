/** What the own devices are called where several are told apart. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../locale/locale.js";
import { client } from "../shell/state.js";

/** Return the names of the devices by id, as soon as the server has told them. */
export function useDeviceNames(): ReadonlyMap<string, string> {
  const names = useSignal<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    const name = (all: Awaited<ReturnType<ReturnType<typeof client>["devices"]>>) => {
      const named = all.map(({ device, app, os }) => [device, [app, os].filter(Boolean).join(", ")] as const);
      names.value = new Map([...named, [client().device, t("devices.this")]]);
    };
    client()
      .devices()
      .then(name)
      .catch(() => undefined);
  }, []);
  return names.value;
}
