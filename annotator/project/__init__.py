"""The project file: an append-only event log, replayed into a document."""
