"""How channels become two, in numbers: the coefficients of ITU-R BS.775, turned down so that nothing clips."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cutlog.ffmpeg.probing import RawAudio
from services.media.facts.downmix import coefficients, stereo

LOW = 0.5**0.5
FOUR, FIVE = 1 + LOW, 1 + 2 * LOW
"""What one side of 4.0 and of 5.1 gets in all."""


@pytest.mark.parametrize(
    ("places", "shares"),
    [
        (("FL", "FR"), [(1, 0), (0, 1)]),
        (("FC",), [(1, 1)]),
        (("FL", "FR", "BC"), [(2 / 3, 0), (0, 2 / 3), (1 / 3, 1 / 3)]),
        (("FL", "FR", "SL", "SR"), [(1 / FOUR, 0), (0, 1 / FOUR), (LOW / FOUR, 0), (0, LOW / FOUR)]),
        (
            ("FL", "FR", "FC", "LFE", "LFE2", "UNSD", "BL", "BR"),
            [
                (1 / FIVE, 0), (0, 1 / FIVE), (LOW / FIVE, LOW / FIVE), (0, 0), (0, 0), (0, 0),
                (LOW / FIVE, 0), (0, LOW / FIVE),
            ],
        ),
        (("LFE", "LFE2"), [(0.5, 0.5), (0.5, 0.5)]),
        (("FL", "FR", "nowhere"), [(2 / 3, 0), (0, 2 / 3), (1 / 3, 1 / 3)]),
        (("AMBI0",), [(1, 1)]),
        (("AMBI0", "AMBI1"), [(0.5, 0.5), (0.5, -0.5)]),
        (("AMBI0", "AMBI1", "AMBI2", "AMBI3"), [(0.5, 0.5), (0.5, -0.5), (0, 0), (0, 0)]),
    ],
)  # fmt: skip
def test_each_channel_has_its_share_of_both_sides(places: Sequence[str], shares: list[tuple[float, float]]) -> None:
    found = coefficients(places)
    assert len(found) == len(shares)
    for one, other in zip(found, shares, strict=True):
        assert one == pytest.approx(other)


@pytest.mark.parametrize(
    ("places", "filters"),
    [
        (("FC",), ["aformat=channel_layouts=mono", "pan=stereo|c0=c0|c1=c0"]),
        (("FL", "FR"), []),
        (("FL", "FR", "FC", "LFE", "BL", "BR"), []),
        (("NONE", "NONE"), []),
        (("FL", "FL"), ["pan=stereo|c0=0.500000*c0+0.500000*c1|c1="]),
        (("FL", "FR", "WL"), ["pan=stereo|c0=0.500000*c0+0.500000*c2|c1=0.500000*c1"]),
        (("NONE", "NONE", "NONE"), ["pan=stereo|c0=0.585786*c0+0.414214*c2|c1=0.585786*c1+0.414214*c2"]),
    ],
)
def test_the_resampler_does_what_it_does_alike_and_a_filter_the_rest(
    places: tuple[str, ...], filters: list[str]
) -> None:
    assert stereo(RawAudio(channels=len(places), layout="", sample_rate=48_000, places=places)) == filters
