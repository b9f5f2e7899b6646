"""AWS: who we are (`sign_in`, and its three ways), what a session may read and whom it asks first (`isolation`), then
the services that a restore needs: `account` (STS, IAM, KMS), `objects` (S3), `databases` (RDS; of it `snapshots`,
`backups`, `instances` and `ground` read, `restores` and `database_changes` change).  `errors` says what
AWS's refusals mean, from the tables in `refusals` and `database_refusals`.
"""
