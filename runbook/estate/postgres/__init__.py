"""The restored database from inside.

`server` is the adapter; `session` connects for it, one connection for each question (`lines` ends them), `conninfo`
says how, `errors` what refusals mean.  `plan` knows what tables there are, and `kinds` of what types; `content` counts
and hashes one of them, `parallel` all of them at once as of one moment, cut into `jobs`; `catalogue` reads what a
manifest says beside the tables, and `making` makes one.  `structure` and `effects` look for damage and for what a copy
would do to others, `changes` are the few statements that change something in it.
"""
