"""A timeline as a project of Kdenlive (document version 1.04, which all since 22.08 open). Pure.

`readers/kdenlive.py` reads what this writes. A track is two playlists: clips that a transition joins lie on them in
turn, over each other for as long as it lasts, and are always dissolved. The sound of clips with pictures is on tracks
of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Final
from xml.etree import ElementTree as Xml

from cutlog.contract.media import conformed_frames
from cutlog.contract.timeline import Clip, ColorSource, FreezeSource, MediaSource, TextSource, Timeline, Track
from services.ops.interchange.export import file_names, rate_of, seen_or_heard
from services.ops.interchange.formats import line, mark, printable
from services.ops.interchange.sound import sounding

_INTERNAL: Final = "237"
_FOREVER: Final = 2_147_483_647


def kdenlive(timeline: Timeline, name: str, names: Mapping[str, str]) -> tuple[str, tuple[Track, ...]]:
    """The file, and the tracks that are in it. `names` has the file names of media."""
    writer = _Writer(timeline, file_names(timeline.media, names))
    root = writer.document(line(name))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, "unicode") + "\n", timeline.tracks


class _Writer:
    def __init__(self, timeline: Timeline, names: Mapping[str, str]) -> None:
        self._timeline, self._names = timeline, names
        self._root = Xml.Element("mlt", LC_NUMERIC="C", producer="main_bin", version="7.9.0")
        self._producers: dict[tuple[object, ...], str] = {}
        self._bin = {media: str(number) for number, media in enumerate(seen_or_heard(timeline), 2)}
        self._playlists = self._tractors = 0

    def document(self, name: str) -> Xml.Element:
        canvas, root = self._timeline.canvas, self._root
        root.set("title", name)
        Xml.SubElement(
            root, "profile", frame_rate_num=str(canvas.fps.num), frame_rate_den=str(canvas.fps.den),
            width=str(canvas.width), height=str(canvas.height), progressive="1", colorspace="709",
            sample_aspect_num="1", sample_aspect_den="1", display_aspect_num=str(canvas.width),
            display_aspect_den=str(canvas.height), description=f"{canvas.width}x{canvas.height}",
        )  # fmt: skip
        pictures = [track for track in self._timeline.tracks if track.kind == "video"]
        sounds = [sound for track in pictures if (sound := sounding(track, self._timeline)) is not None]
        sounds += [track for track in self._timeline.tracks if track.kind == "audio"]
        made = [(self._track(track, True), track) for track in reversed(sounds)]
        made += [(self._track(track, False), track) for track in pictures]
        black = self._producer(("black",), _FOREVER, {"resource": "black", "mlt_service": "color"})
        main = Xml.Element("tractor", {"id": "main"})
        Xml.SubElement(main, "track", producer=black)
        for ident, track in made:
            off = track.muted if track.kind == "audio" else track.hidden
            hide = {"hide": "audio" if track.kind == "audio" else "video"} if off else {}
            Xml.SubElement(main, "track", hide, producer=ident)
        for number, (_, track) in enumerate(made, 1):
            service = "mix" if track.kind == "audio" else "qtblend"
            mixed = Xml.SubElement(main, "transition", id=f"compose{number}")
            told = {"a_track": "0", "b_track": str(number), "mlt_service": service, "kdenlive_id": service}
            told |= {"always_active": "1", "internal_added": _INTERNAL}
            _properties(mixed, told | ({"sum": "1", "accepts_blanks": "1"} if service == "mix" else {}))
        root.insert(1, self._main_bin())
        root.append(main)
        # Producers come before what plays them.
        head = [each for each in root if each.tag in ("profile", "producer")]
        root[:] = [*head, *(each for each in root if each.tag not in ("profile", "producer"))]
        return root

    def _main_bin(self) -> Xml.Element:
        guides = [{"comment": line(each.label), "pos": each.at, "type": 0} for each in self._timeline.markers]
        playlist = Xml.Element("playlist", id="main_bin")
        _properties(playlist, {
            "kdenlive:docproperties.version": "1.04", "kdenlive:docproperties.kdenliveversion": "22.08.0",
            "kdenlive:docproperties.guides": json.dumps(guides), "xml_retain": "1",
        })  # fmt: skip
        for media in self._bin:
            ident = self._media(media, "bin", Fraction(1))
            frames = self._length(media) or 1
            Xml.SubElement(playlist, "entry", {"producer": ident, "in": "0", "out": str(frames - 1)})
        return playlist

    # --- tracks ---

    def _track(self, track: Track, sound: bool) -> str:
        """A track as a tractor of two playlists; its id."""
        playlists = [self._playlist(sound), self._playlist(sound)]
        joints = {joint.left: joint for joint in track.transitions}
        ends, row, head = [0, 0], 0, 0
        mixes: list[tuple[int, int]] = []
        for clip in track.clips:
            joint = joints.get(clip.id)
            after = joint.frames - joint.frames // 2 if joint is not None else 0
            start, stop = clip.at - head, clip.at + clip.frames + after
            if start > ends[row]:
                Xml.SubElement(playlists[row], "blank", length=str(start - ends[row]))
            self._entry(playlists[row], clip, -head, stop - start, sound)
            ends[row] = stop
            head = 0
            if joint is not None:
                head = joint.frames // 2
                mixes.append((clip.at + clip.frames - head, stop - 1))
                row = 1 - row
        tractor = Xml.SubElement(self._root, "tractor", id=f"tractor{self._tractors}")
        self._tractors += 1
        told = {"kdenlive:track_name": line(track.name), "kdenlive:timeline_active": "1"}
        told |= {"kdenlive:audio_track": "1"} if sound else {}
        told |= {"kdenlive:locked_track": "1"} if track.locked else {}
        _properties(tractor, told)
        for playlist in playlists:
            Xml.SubElement(tractor, "track", hide="video" if sound else "audio", producer=playlist.get("id", ""))
        for number, (start, end) in enumerate(mixes):
            told = {"id": f"mix{self._tractors}-{number}", "in": str(start), "out": str(end)}
            service = "mix" if sound else "luma"
            mix = Xml.SubElement(tractor, "transition", told)
            _properties(mix, {"a_track": "0", "b_track": "1", "mlt_service": service, "kdenlive_id": service})
        return f"tractor{self._tractors - 1}"

    def _playlist(self, sound: bool) -> Xml.Element:
        playlist = Xml.SubElement(self._root, "playlist", id=f"playlist{self._playlists}")
        self._playlists += 1
        if sound:
            _properties(playlist, {"kdenlive:audio_track": "1"})
        return playlist

    def _entry(self, playlist: Xml.Element, clip: Clip, shift: int, frames: int, sound: bool) -> None:
        """A clip, from `shift` frames before its start on, for so many frames."""
        use = "off" if not clip.enabled else "sound" if sound else "pictures"
        held: int | None = None
        producer, begin = "", 0
        match clip.source:
            case MediaSource(media=media, start=start, end=end):
                rate = rate_of(clip)
                producer = self._media(media, use, rate)
                length = self._length(media) or 0
                # Of a media that runs at another speed, frames are counted at that speed; backwards, from its end.
                begin = round(Fraction(start) / rate) if rate > 0 else round(Fraction(length - end) / -rate)
            case FreezeSource(media=media, frame=held):
                producer, begin = self._media(media, use, Fraction(1)), held
            case ColorSource(color=color):
                told = {"resource": f"0x{color[1:]}ff", "mlt_service": "color", "kdenlive:clipname": color}
                producer, begin = self._producer((color, use), _FOREVER, told | _use(use)), 0
            case TextSource(text=text):
                title = self._title(text.text, text.color, frames)
                told = {"resource": "", "mlt_service": "kdenlivetitle", "xmldata": title}
                told["kdenlive:clipname"] = line(text.text)[:100]
                producer, begin = self._producer((title, use), _FOREVER, told | _use(use)), 0
        begin = max(0, begin + (shift if held is None else 0))
        entry = Xml.SubElement(
            playlist, "entry", {"producer": producer, "in": str(begin), "out": str(begin + frames - 1)}
        )
        if held is not None:
            freeze = Xml.SubElement(entry, "filter", id=f"freeze-{clip.id}")
            _properties(freeze, {"mlt_service": "freeze", "kdenlive_id": "freeze", "frame": str(held),
                                 "freeze_after": "0", "freeze_before": "0"})  # fmt: skip

    # --- what clips show ---

    def _length(self, media: str) -> int | None:
        reference = self._timeline.media.get(media)
        if reference is None:
            return None
        return conformed_frames(reference.kind, reference.facts, self._timeline.canvas.fps)

    def _media(self, media: str, use: str, rate: Fraction) -> str:
        name = self._names.get(media, media)
        path = f"media/{name}"
        length = self._length(media) or _FOREVER
        told = {"resource": path, "mlt_service": "avformat"}
        if rate != 1:
            speed = f"{float(rate):.9f}"
            told = {
                "resource": f"{speed}:{path}",
                "mlt_service": "timewarp",
                "warp_speed": speed,
                "warp_resource": path,
            }
            length = round(Fraction(length) / abs(rate))
        told |= {"kdenlive:clipname": line(name), "kdenlive:id": self._bin.get(media, "1")}
        told |= {"cutlog:media": mark(self._timeline, media), **_use(use)}
        return self._producer((media, use, rate), length, told)

    def _producer(self, key: tuple[object, ...], length: int, told: dict[str, str]) -> str:
        ident = self._producers.get(key)
        if ident is None:
            ident = self._producers[key] = f"producer{len(self._producers)}"
            made = Xml.SubElement(self._root, "producer", {"id": ident, "in": "0", "out": str(length - 1)})
            _properties(made, {"length": str(length), "eof": "pause", **told})
        return ident

    def _title(self, text: str, color: str, frames: int) -> str:
        canvas = self._timeline.canvas
        rect = f"0,0,{canvas.width},{canvas.height}"
        size = {"width": str(canvas.width), "height": str(canvas.height)}
        root = Xml.Element("kdenlivetitle", size, duration=str(frames), out=str(frames - 1), LC_NUMERIC="C")
        item = Xml.SubElement(root, "item", {"type": "QGraphicsTextItem", "z-index": "0"})
        position = Xml.SubElement(item, "position", x=str(canvas.width // 4), y=str(canvas.height // 2))
        Xml.SubElement(position, "transform").text = "1,0,0,0,1,0,0,0,1"
        rgb = ",".join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5))
        look = {"font": "Sans", "font-pixel-size": str(canvas.height // 12), "font-color": f"{rgb},255"}
        Xml.SubElement(item, "content", look).text = printable(text)
        Xml.SubElement(root, "startviewport", rect=rect)
        Xml.SubElement(root, "endviewport", rect=rect)
        Xml.SubElement(root, "background", color="0,0,0,0")
        return Xml.tostring(root, "unicode")


def _use(use: str) -> dict[str, str]:
    """What of a producer is not played: nothing at all, where it is switched off."""
    sound, pictures = {"set.test_audio": "1"}, {"set.test_image": "1"}
    return {"off": sound | pictures, "pictures": sound, "sound": pictures}.get(use, {})


def _properties(element: Xml.Element, told: Mapping[str, str]) -> None:
    for name, value in told.items():
        Xml.SubElement(element, "property", name=name).text = value
