"""What is wrong here, and the exact command that mends it."""
