"""TETRIS: how much worse, or better, the result gets when the same user clicks elsewhere."""
