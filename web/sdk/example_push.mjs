// Notifications of a page with chat: `button` asks for them, and every later visit renews them.
import { browser } from "@chatd/client/browser";
import { Client } from "@chatd/client/people";
import { subscribe } from "@chatd/client/push";

export async function startChat({ url, token, user, button }) {
  const client = new Client({ url, token, ...browser(user) });
  const worker = await navigator.serviceWorker.register("/example_worker.js");
  const renew = () => Notification.permission === "granted" && subscribe(client, worker);
  client.on((change) => change.kind === "stateChanged" && change.phase === "ready" && renew());
  button.onclick = async () => {
    if ((await Notification.requestPermission()) === "granted") await subscribe(client, worker);
  };
  await client.start();
  return client;
}
