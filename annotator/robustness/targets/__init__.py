"""Targets: one sample of one engine, as attacks see it: photos, scans, people.

`making` is the entry: it makes the target of any sample of `datasets`. Runs ask it; no attack
and no measure imports this room, since `annotator.robustness.contract` says what they may ask.
"""
