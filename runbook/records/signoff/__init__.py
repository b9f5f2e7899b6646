"""What people say of a recorded run: sign-offs and corrections, their sealed folders, and how a signature is shown."""
