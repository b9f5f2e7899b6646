"""Adapters to the systems being restored, one file each, behind the Protocols of `ports`."""
