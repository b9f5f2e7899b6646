"""What is made of a log by somebody who trusts nobody: heads from elsewhere, evidence, a name for each damage."""
