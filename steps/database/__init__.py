"""Stage 3, Core Database.  `stage` has its steps in their order.

Getting the copy: `backups` (which recovery point), `ground` (what it stands on), `restore` (the one call), `ready`
(available, as asked for, a password of its own).  Being sure of it: `reach` (the way, and that it is the copy), `skew`
(the vault's keys), `content` with its rules (`depth`, `manifests`, `stated`, `compare`, `catalogue`, `trend`),
`structure`, `recency`.  Letting it do no harm: `effects`.  `access` are the ways in.
"""
