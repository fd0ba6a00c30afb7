"""The sealed backend: values in the ledger, encrypted with a data key that the master key wraps.

`seals` is the cryptography, `masters` where the master key comes from, `keys` the data keys of a process,
`backend` the five verbs, `rotation` new master keys and new data keys while others read and write.
Nothing here is imported unless config.toml chooses it or `ringlet sealed` is called.
"""
