/** The groups that were offered to the user, and those that they asked to join. */
import { computed } from "@preact/signals";
import { joinsOf, type Join } from "@chatd/client/conversations";
import { client, rows, signedIn } from "../shell/state.js";

export const ownJoins = computed<readonly Join[]>(() => {
  rows.value;
  return signedIn.value ? [...joinsOf(client()).values()] : [];
});
