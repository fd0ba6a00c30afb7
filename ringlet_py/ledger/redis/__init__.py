"""The ledger for several machines, on a Redis server: entries, sealed values, claims and documents.

`url` is where the server is, `server` the connection and what its errors mean, `scripts` loads the Lua beside it.
Each verb that changes something is one script, so it is done whole or not at all; every key is named
`ringlet:{STORE}:…`, so that installations with different stores never meet, and a cluster keeps one on one node.
"""
