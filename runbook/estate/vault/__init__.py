"""A Vault or OpenBao server: `server` is the adapter, `wire` its way there, the others read what comes back."""
