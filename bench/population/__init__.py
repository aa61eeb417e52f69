"""A population: people in rooms of many sizes who write, read, type, and lose their connections."""
