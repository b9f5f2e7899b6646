"""One question of the Operator port a file, on the common ground of `ask`."""
