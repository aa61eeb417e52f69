"""The rules of chat: synchronous and pure. Time, randomness and ids come in as arguments."""
