"""AWS: who we are (`sign_in`, and its three ways), what a session may read and whom it asks first (`isolation`), then
the services that a restore needs: `account` (STS, IAM, KMS), `objects` (S3), `databases` (RDS).
"""
