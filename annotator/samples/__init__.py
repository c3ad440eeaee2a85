"""The bundled demo scan and its clicks; see README.md beside it for their origin."""

from pathlib import Path

SAMPLE_ROOM = Path(__file__).parent / "room.npz"
SAMPLE_CLICKS = Path(__file__).parent / "room_clicks.json"
