"""Photos: the view, its tools, and the annotation of one photo after the other."""

from annotator.ui.image.view import ImageView

__all__ = ["ImageView"]
