"""The schema of project files and how older ones are brought up to date."""

from annotator.project.migrations.steps import STEPS, VERSION, upgrade

__all__ = ["STEPS", "VERSION", "upgrade"]
