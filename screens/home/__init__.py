"""Home: how things stand, and what can be done; the deck of scenarios."""
