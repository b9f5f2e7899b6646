"""A backup of a vault, read on this machine: nothing in here calls a server.

`inspection` needs no key; `proof` opens it with the custodians' shares (`shamir`, `barrier`).  `archive` reads the tar,
`state` the entries of a raft snapshot, `clear` what they tell without a key, `other` every other kind of backup.
"""
