"""Small films whose frames say which one they are in 20 blocks, which a codec at a few kilobits a second leaves alone.

5 columns by 4 rows of black (0) or white (1), read row by row from the top left: blocks 1 to 14 are the number, lowest
bit first, 15 to 18 the number of the film, and 19 and 20 how many of those 18 are white, modulo 4.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tests.support.painting import Image

COLUMNS, ROWS = 5, 4
NUMBER, FILM, CHECK = 14, 4, 2
CONTRAST = 60
"""Least difference of black and white, of 255, where both occur."""


def paint_blocks(number: int, film: int, size: tuple[int, int]) -> Image:
    """One frame, `size` = (width, height)."""
    width, height = size
    word = number | film << NUMBER
    word |= word.bit_count() % 4 << NUMBER + FILM
    columns = [round(width * column / COLUMNS) for column in range(COLUMNS + 1)]
    rows = [round(height * row / ROWS) for row in range(ROWS + 1)]
    image = np.zeros((height, width, 3), np.uint8)
    for block in range(COLUMNS * ROWS):
        row, column = divmod(block, COLUMNS)
        image[rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = 255 if word >> block & 1 else 0
    return image


def read_blocks(image: Image, film: int) -> int | None:
    """The number that a picture of any size shows; None if it is no frame of that film, or a mixture of two."""
    height, width = image.shape[:2]
    light = image[:, :, :3].astype(np.float32).mean(axis=2)
    blocks = []
    for block in range(COLUMNS * ROWS):
        row, column = divmod(block, COLUMNS)
        inner = light[
            int(height * (row + 0.25) / ROWS) : int(height * (row + 0.75) / ROWS),
            int(width * (column + 0.25) / COLUMNS) : int(width * (column + 0.75) / COLUMNS),
        ]
        blocks.append(float(inner.mean()))
    if any(CONTRAST < level < 255 - CONTRAST for level in blocks):
        return None
    word = sum((level > 127) << block for block, level in enumerate(blocks))
    told = word & (1 << NUMBER + FILM) - 1
    if told.bit_count() % 4 != word >> NUMBER + FILM or told >> NUMBER != film:
        return None
    return told & (1 << NUMBER) - 1


def read_all_blocks(images: Iterable[Image], film: int) -> list[int | None]:
    """`read_blocks` of each."""
    return [read_blocks(image, film) for image in images]
