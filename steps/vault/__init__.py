"""Stage 2, Encryption Vault.  `stage` has its steps in their order.

`backup` and `inspect` are about the archive, `target` about the server that it goes into, `restore` puts it there,
`open` and `shares` unseal it and sign in, `proofs` are what must be seen of it, `state` what is known of its seal.
"""
