"""The commands: one table of actions, their keys, menu, palette and help."""
