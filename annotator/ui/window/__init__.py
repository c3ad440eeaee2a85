"""The window itself: its frame, what stands on its stage, and the start of the program."""
