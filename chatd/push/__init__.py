"""Push notifications: who is told, when, and the hand-over to a sender."""
