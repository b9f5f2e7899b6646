"""The run: where it is in the five, what it does, what it saw."""
