"""What is wrong here, and the exact command that mends it.

`examining` goes through the checks, each of which looks at `Surroundings` and says what it found; nothing is
changed by looking, but for a scratch entry in the keychain, which is taken away again.
"""
