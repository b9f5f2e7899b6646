"""Stage 5, Connectivity.  `stage` has its steps in their order.

Before the doors open: `zone` (and `zone_seen`), `waf` over what `firewall`, `skips` and `rules` say, `credentials`.
Opening them: `records`; closing them again: `doors`; both over `dns_records`.  What visitors get: `names` with
`resolving`, `visitors`, `live` (the firewall acts), `origin` (nobody gets past it).  `unrouted` is all that there is
where no host names are configured.
"""
