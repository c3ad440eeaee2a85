"""Readers and writers of scans, photos and clicks: one module a format, one table of each."""

from annotator.formats.annotated import AnnotatedImage
from annotator.formats.annotation_readers import is_of_photo, read_annotations
from annotator.formats.clicks_json import ClickFile, read_click_file, read_clicks, write_clicks
from annotator.formats.image_writers import IMAGE_WRITERS, ImageWriter, write_annotations
from annotator.formats.images import (
    IMAGE_READERS,
    ImageReader,
    image_files,
    image_size,
    is_image_path,
    read_image,
    read_thumbnail,
)
from annotator.formats.placing import (
    check_on_photo,
    photo_prompt,
    place_clicks,
    read_photo_clicks,
    read_placed_clicks,
)
from annotator.formats.readers import CLOUD_READERS, CloudReader, read_cloud
from annotator.formats.source import FileCloud, Source, all_rows
from annotator.formats.writers import CLOUD_WRITERS, CloudWriter, write_cloud

__all__ = [
    "CLOUD_READERS",
    "CLOUD_WRITERS",
    "IMAGE_READERS",
    "IMAGE_WRITERS",
    "AnnotatedImage",
    "ClickFile",
    "CloudReader",
    "CloudWriter",
    "FileCloud",
    "ImageReader",
    "ImageWriter",
    "Source",
    "all_rows",
    "check_on_photo",
    "image_files",
    "image_size",
    "is_image_path",
    "is_of_photo",
    "photo_prompt",
    "place_clicks",
    "read_annotations",
    "read_click_file",
    "read_clicks",
    "read_cloud",
    "read_image",
    "read_photo_clicks",
    "read_placed_clicks",
    "read_thumbnail",
    "write_annotations",
    "write_clicks",
    "write_cloud",
]
