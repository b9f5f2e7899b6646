"""What keeps a tired person from the worst mistakes: interlock, outside text, secrets."""
