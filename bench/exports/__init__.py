"""Chat exports as people get them, read into one form: who said what, where and when."""
