"""The `annotator` command, one module a command group."""
