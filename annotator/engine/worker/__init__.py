"""The plugin's side of a worker process: numpy and the standard library only, Python 3.9 or newer.

Another interpreter runs this package from the application's own files, beside whatever old
numpy or torch its environment holds: `start` makes `annotator` importable there and nothing
else. Messages are JSON with arrays aside; neither side ever unpickles anything.
"""
