"""Attacks: the search for the worst and the best clicks on a target, whatever kind it is.

`attacking` is the entry: it follows the three trajectories and asks one of `ours`, `tetris` and
`enumerate` for every click; `certifying` enumerates afterwards what a search went through.
Runs ask both; attacks themselves know the contract of targets, never a photo, a scan or a
person.
"""
