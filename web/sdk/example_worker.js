// The service worker of a page with chat: it shows what a push brings, each in place of the one before of its chat.
self.addEventListener("push", (event) => {
  const { tag, room, name, title, text, count = 1, badge, quiet = false } = event.data.json();
  const last = title && name && text ? `${name}: ${text}` : text;
  const body = count > 1 ? `${count} new messages\n${last ?? ""}` : last;
  const shown = { body: body ?? "New message", tag, renotify: !quiet, silent: quiet, data: room ?? "" };
  if (badge !== undefined) event.waitUntil(navigator.setAppBadge?.(badge) ?? Promise.resolve());
  event.waitUntil(self.registration.showNotification(title ?? name ?? "Example", shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(`/chat#${event.notification.data}`));
});
