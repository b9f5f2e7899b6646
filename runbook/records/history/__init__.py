"""What a log tells over the years: the last restore that succeeded, the quarters, and where RTO and RPO go."""
