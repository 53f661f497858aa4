"""Small recordings for uploads."""

from __future__ import annotations

import io
import os
import wave


def sound(seconds: float = 0.1) -> bytes:
    """A WAV that nobody has uploaded before."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(os.urandom(int(seconds * 8000) * 2))
    return out.getvalue()
