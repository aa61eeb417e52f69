"""The protocols of push services: APNs and FCM over HTTP/2, Web Push, and the gateways of operators."""
