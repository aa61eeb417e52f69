"""Filters of the operator, made ready to look through texts: many words in one pass, patterns in linear time."""
