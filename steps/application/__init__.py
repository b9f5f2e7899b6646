"""Stage 4, Application Tier.  `stage` has its steps in their order.

Which image: `image` and `choose` over `candidates`, judged by `verified` (with `lineage`, the protected branch, and
`schema`, the migration it was made for); `chosen` is what came of it.  What it is told: `quiet` and `groups` over
`secret_groups`, with `addresses` (database URLs led elsewhere and back) and `vault_engine`.  Running it: `deploy` and
`announced` (which of our calls were taken), `rollout`.  What it must show: `criteria` over `health`, `connections` and
`canary`; `probes`; `people`.
"""
