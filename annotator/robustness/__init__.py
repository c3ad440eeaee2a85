"""TETRIS: how results change when the click lands elsewhere."""
