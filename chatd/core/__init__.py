"""The rules of chat: synchronous and pure. Time, randomness and ids are arguments."""
