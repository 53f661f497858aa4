"""The examples of docs/EDIT-LANGUAGE.md: one of each op, with what is refused. All of them are run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

J = dict[str, Any]


class Example(NamedTuple):
    """An op that applies to the film after `given`, and ops that do not."""

    op: J
    refused: Sequence[J] = ()
    given: Sequence[J] = ()


START: Final[list[J]] = [
    {"op": "track.add", "track": "v1", "kind": "video"},
    {"op": "track.add", "track": "v2", "kind": "video"},
    {"op": "track.add", "track": "a1", "kind": "audio"},
    {"op": "clip.add", "clip": "a", "track": "v1", "at": 0, "media": "film", "in": 20, "out": 26},
    {"op": "clip.add", "clip": "b", "track": "v1", "at": 6, "media": "film", "in": 40, "out": 46},
    {"op": "clip.add", "clip": "c", "track": "v1", "at": 14, "media": "film", "in": 60, "out": 64},
    {"op": "clip.add", "clip": "t", "track": "v2", "at": 8, "text": {"text": "Hello"}, "frames": 4},
]

LINK: Final[J] = {"op": "clip.link", "clips": ["b", "t"]}
BLUR: Final[J] = {"op": "effect.add", "clip": "a", "effect": "soft", "kind": "blur"}
HUE: Final[J] = {"op": "effect.add", "clip": "a", "effect": "tint", "kind": "hue", "params": {"degrees": 90}}
FADE: Final[J] = {"op": "transition.add", "transition": "x", "left": "a", "right": "b", "kind": "dissolve", "frames": 3}
SRT: Final = "1\n00:00:00,100 --> 00:00:00,400\n<i>Hello</i>\n"
CAPTIONS: Final[J] = {"op": "captions.import", "track": "en", "format": "srt", "content": SRT}
MARKER: Final[J] = {"op": "marker.add", "marker": "m", "at": 6, "label": "Cut"}

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "The project": ("project.configure", "history.revert", "history.undo"),
    "Tracks": ("track.add", "track.remove", "track.move", "track.set"),
    "Clips in their places": ("clip.add", "clip.paste", "clip.remove", "clip.move", "clip.trim", "clip.split"),
    "Clips and their sources": ("clip.slip", "clip.slide", "clip.roll", "clip.replace"),
    "Time": ("clip.speed", "clip.reverse", "clip.freeze"),
    "Links and sound": ("clip.link", "clip.unlink", "clip.detachAudio"),
    "Looks": ("clip.set", "text.set"),
    "Effects": ("effect.add", "effect.set", "effect.move", "effect.remove"),
    "Transitions": ("transition.add", "transition.set", "transition.remove"),
    "Captions": ("captions.add", "captions.import", "caption.set", "caption.remove"),
    "Markers": ("marker.add", "marker.move", "marker.remove"),
}

EXAMPLES: Final[dict[str, Example]] = {
    "project.configure": Example(
        {"op": "project.configure", "width": 1080, "height": 1920},
        [
            {"op": "project.configure"},
            {"op": "project.configure", "fps": [25, 1]},
            {"op": "project.configure", "width": 1081},
        ],
    ),
    "history.revert": Example(
        {"op": "history.revert", "toVersion": 1},
        [{"op": "history.revert", "toVersion": 9}],
        given=[{"op": "clip.remove", "clip": "b"}],
    ),
    "history.undo": Example(
        {"op": "history.undo", "versions": [2]},
        [{"op": "history.undo", "versions": [9]}],
        given=[{"op": "clip.remove", "clip": "b"}],
    ),
    "track.add": Example(
        {"op": "track.add", "track": "v0", "kind": "video", "index": 0},
        [
            {"op": "track.add", "track": "v1", "kind": "video"},
            {"op": "track.add", "track": "v9", "kind": "video", "index": 7},
        ],
    ),
    "track.remove": Example(
        {"op": "track.remove", "track": "v2"},
        [{"op": "track.remove", "track": "v9"}],
    ),
    "track.move": Example(
        {"op": "track.move", "track": "v2", "index": 0},
        [{"op": "track.move", "track": "v2", "index": 3}],
    ),
    "track.set": Example(
        {"op": "track.set", "track": "v2", "name": "Titles", "locked": True},
        [{"op": "track.set", "track": "v2"}, {"op": "track.set", "track": "v2", "gainDb": 99}],
    ),
    "clip.add": Example(
        {"op": "clip.add", "clip": "n", "track": "v1", "at": 8, "media": "other", "in": 0, "out": 3,
         "mode": "insert", "split": "z"},
        [
            {"op": "clip.add", "clip": "n", "track": "v1", "at": 8, "media": "other", "in": 0, "out": 3},
            {"op": "clip.add", "clip": "n", "track": "v1", "at": 20, "media": "other", "in": 90, "out": 101},
            {"op": "clip.add", "clip": "n", "track": "v1", "at": 20, "media": "other", "in": 5, "out": 5},
            {"op": "clip.add", "clip": "n", "track": "v1", "at": 20, "media": "lost", "in": 0, "out": 5},
            {"op": "clip.add", "clip": "a", "track": "v1", "at": 20, "color": "#ff0000", "frames": 5},
            {"op": "clip.add", "clip": "n", "track": "a1", "at": 20, "color": "#ff0000", "frames": 5},
            {"op": "clip.add", "clip": "n", "track": "v1", "at": -1, "color": "#ff0000", "frames": 5},
            {"op": "clip.add", "clip": "n", "track": "v1", "at": 20, "color": "#ff0000", "frames": 5, "fit": "cover"},
        ],
    ),
    "clip.paste": Example(
        {"op": "clip.paste", "clip": "n", "track": "v1", "at": 20, "frames": 2, "media": "film", "in": 0, "out": 4,
         "speed": {"num": 2, "den": 1}},
        [{"op": "clip.paste", "clip": "n", "track": "v1", "at": 16, "frames": 2, "color": "#ff0000"}],
    ),
    "clip.remove": Example(
        {"op": "clip.remove", "clip": "a", "ripple": True},
        [{"op": "clip.remove", "clip": "q"}, {"op": "clip.remove", "clip": "a", "ripple": "some"}],
    ),
    "clip.move": Example(
        {"op": "clip.move", "clip": "b", "at": 20},
        [
            {"op": "clip.move", "clip": "b", "at": 10},
            {"op": "clip.move", "clip": "t", "at": 1},
            {"op": "clip.move", "clip": "b", "at": 20, "track": "v9"},
        ],
        [LINK],
    ),
    "clip.trim": Example(
        {"op": "clip.trim", "clip": "b", "in": 42, "ripple": True},
        [
            {"op": "clip.trim", "clip": "b"},
            {"op": "clip.trim", "clip": "b", "in": 46},
            {"op": "clip.trim", "clip": "a", "out": 27},
            {"op": "clip.trim", "clip": "a", "in": 19},
            {"op": "clip.trim", "clip": "c", "out": 101},
        ],
    ),
    "clip.split": Example(
        {"op": "clip.split", "clip": "b", "at": 8, "new": "n"},
        [
            {"op": "clip.split", "clip": "b", "at": 6, "new": "n"},
            {"op": "clip.split", "clip": "b", "at": 8, "new": "a"},
        ],
    ),
    "clip.slip": Example(
        {"op": "clip.slip", "clip": "b", "by": 5},
        [{"op": "clip.slip", "clip": "b", "by": -41}, {"op": "clip.slip", "clip": "t", "by": 1}],
    ),
    "clip.slide": Example(
        {"op": "clip.slide", "clip": "b", "by": 2},
        [{"op": "clip.slide", "clip": "c", "by": 2}, {"op": "clip.slide", "clip": "b", "by": 4}],
        [{"op": "clip.move", "clip": "c", "at": 12}],
    ),
    "clip.roll": Example(
        {"op": "clip.roll", "left": "a", "right": "b", "by": -2},
        [
            {"op": "clip.roll", "left": "b", "right": "c", "by": 1},
            {"op": "clip.roll", "left": "a", "right": "b", "by": 6},
        ],
    ),
    "clip.replace": Example(
        {"op": "clip.replace", "clip": "b", "media": "other", "in": 10},
        [
            {"op": "clip.replace", "clip": "b", "media": "other", "in": 95},
            {"op": "clip.replace", "clip": "b", "media": "lost", "in": 0},
        ],
    ),
    "clip.speed": Example(
        {"op": "clip.speed", "clip": "a", "num": 3, "den": 2, "ripple": True},
        [
            {"op": "clip.speed", "clip": "a", "num": 1, "den": 2},
            {"op": "clip.speed", "clip": "a", "num": 200, "den": 1},
            {"op": "clip.speed", "clip": "t", "num": 2, "den": 1},
        ],
    ),
    "clip.reverse": Example(
        {"op": "clip.reverse", "clip": "a", "reversed": True},
        [{"op": "clip.reverse", "clip": "t", "reversed": True}],
    ),
    "clip.freeze": Example(
        {"op": "clip.freeze", "clip": "b", "at": 8, "frames": 3, "new": "f", "right": "r"},
        [{"op": "clip.freeze", "clip": "b", "at": 6, "frames": 3, "new": "f", "right": "r"}],
    ),
    "clip.link": Example(
        LINK,
        [{"op": "clip.link", "clips": ["b", "b"]}, {"op": "clip.link", "clips": ["b"]}],
    ),
    "clip.unlink": Example(
        {"op": "clip.unlink", "clips": ["b"]},
        [{"op": "clip.unlink", "clips": ["a"]}],
        [LINK],
    ),
    "clip.detachAudio": Example(
        {"op": "clip.detachAudio", "clip": "a", "new": "s", "track": "a1"},
        [
            {"op": "clip.detachAudio", "clip": "a", "new": "s", "track": "v2"},
            {"op": "clip.detachAudio", "clip": "t", "new": "s", "track": "a1"},
        ],
    ),
    "clip.set": Example(
        {"op": "clip.set", "clip": "a", "gainDb": -6, "scale": 0.5,
         "opacity": {"keyframes": [{"frame": 0, "value": 0, "easing": "ease-out"}, {"frame": 5, "value": 1}]}},
        [
            {"op": "clip.set", "clip": "a", "opacity": 1.5},
            {"op": "clip.set", "clip": "a", "opacity": {"keyframes": [{"frame": 0, "value": 2}]}},
            {"op": "clip.set", "clip": "a", "crop": {"left": 0.5, "right": 0.5}},
            {"op": "clip.set", "clip": "a", "glow": 1},
        ],
    ),
    "text.set": Example(
        {"op": "text.set", "clip": "t", "text": "Bye", "stroke": {"color": "#000000", "width": 0.01}},
        [{"op": "text.set", "clip": "a", "text": "Bye"}, {"op": "text.set", "clip": "t", "text": ""}],
    ),
    "effect.add": Example(
        HUE,
        [
            {"op": "effect.add", "clip": "a", "effect": "e", "kind": "glow"},
            {"op": "effect.add", "clip": "a", "effect": "e", "kind": "hue", "params": {"angle": 9}},
            {"op": "effect.add", "clip": "a", "effect": "e", "kind": "hue", "params": {"degrees": 900}},
            {"op": "effect.add", "clip": "t", "effect": "e", "kind": "lowpass"},
        ],
        [BLUR],
    ),
    "effect.set": Example(
        {"op": "effect.set", "clip": "a", "effect": "soft", "params": {"radius": 0.05}},
        [{"op": "effect.set", "clip": "a", "effect": "hard", "params": {"radius": 0.05}}],
        [BLUR],
    ),
    "effect.move": Example(
        {"op": "effect.move", "clip": "a", "effect": "tint", "index": 0},
        [{"op": "effect.move", "clip": "a", "effect": "tint", "index": 2}],
        [BLUR, HUE],
    ),
    "effect.remove": Example(
        {"op": "effect.remove", "clip": "a", "effect": "soft"},
        [{"op": "effect.remove", "clip": "b", "effect": "soft"}],
        [BLUR, HUE],
    ),
    "transition.add": Example(
        FADE,
        [
            {"op": "transition.add", "transition": "x", "left": "b", "right": "c", "kind": "dissolve", "frames": 3},
            {"op": "transition.add", "transition": "x", "left": "a", "right": "b", "kind": "dissolve", "frames": 14},
            {"op": "transition.add", "transition": "x", "left": "a", "right": "b", "kind": "warp", "frames": 3},
        ],
    ),
    "transition.set": Example(
        {"op": "transition.set", "transition": "x", "kind": "wipe-left", "frames": 5},
        [{"op": "transition.set", "transition": "y", "frames": 5}],
        [FADE],
    ),
    "transition.remove": Example(
        {"op": "transition.remove", "transition": "x"},
        [{"op": "transition.remove", "transition": "y"}],
        [FADE],
    ),
    "captions.add": Example(
        {"op": "captions.add", "track": "en", "captions": [{"start": 3, "end": 12, "text": "Hello"}]},
        [
            {"op": "captions.add", "track": "en", "captions": [{"start": 3, "end": 3, "text": "Hello"}]},
            {"op": "captions.add", "track": "en", "captions": []},
            {"op": "captions.add", "track": "en", "captions": [{"start": 3, "end": 9, "text": "Hi", "caption": "a"}]},
        ],
    ),
    "captions.import": Example(
        CAPTIONS,
        [
            {"op": "captions.import", "track": "en", "format": "srt", "content": "1\nHello"},
            {"op": "captions.import", "track": "a1", "format": "srt", "content": SRT},
        ],
    ),
    "caption.set": Example(
        {"op": "caption.set", "caption": "en-c1", "end": 20, "text": "Hello, you"},
        [{"op": "caption.set", "caption": "en-c1", "end": 2}, {"op": "caption.set", "caption": "en-c9", "end": 20}],
        [CAPTIONS],
    ),
    "caption.remove": Example(
        {"op": "caption.remove", "caption": "en-c1"},
        [{"op": "caption.remove", "caption": "en-c9"}],
        [CAPTIONS],
    ),
    "marker.add": Example(MARKER, [{"op": "marker.add", "marker": "a", "at": 6}]),
    "marker.move": Example(
        {"op": "marker.move", "marker": "m", "at": 8},
        [{"op": "marker.move", "marker": "m"}, {"op": "marker.move", "marker": "k", "at": 8}],
        [MARKER],
    ),
    "marker.remove": Example(
        {"op": "marker.remove", "marker": "m"},
        [{"op": "marker.remove", "marker": "k"}],
        [MARKER],
    ),
}  # fmt: skip
