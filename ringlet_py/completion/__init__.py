"""What a shell offers after TAB, from names alone: nothing is unlocked, asked or made.

The script of each shell (`scripts`) asks `ringlet __complete WORDS...`, whose last word is the one being typed.
`words` is the command line as data (generated), `place` finds where in it the cursor stands, `names` looks up
what is on this machine, and `candidates` puts them together.
"""
