"""TETRIS: how much worse, or better, the result gets when the same user clicks elsewhere.

The three modules at the top are what all rooms speak: `settings` (what is attacked, and how),
`contract` (what a target is to an attack) and `records` (what an attack leaves behind). Rooms
know them and, besides, only what is said in their own first lines:

* `datasets`: samples with ground truth.
* `targets`: engines with a sample, as attacks see them: photos, scans, people.
* `attacks`: the search for the worst and the best clicks on a target.
* `measures`: figures of records; nothing is run for them.
* `runs`: one record a (plugin, sample, mode), on this machine or on Ray.
* `report`: the page, the PDF and the tables over runs.
* `live`: how safe a click is while a person annotates; stands for itself.
"""
