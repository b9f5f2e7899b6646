"""Stage 1, Identity & Access.  `stage` has its steps in their order.

`machine` is about this machine, `sign_in` about AWS and its second factor, `tokens` about the other providers,
`people` about what only people can say.
"""
