"""Pure nouns and rules: no clock, no file, no network, no toolkit; standard library only."""
