"""Themes and keys: how somebody likes the screens, and what can be done now."""
