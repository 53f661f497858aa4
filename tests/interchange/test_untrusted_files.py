"""Files made to harm: they are refused in bounded time and space, and see nothing of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutlog.contract.time import Fps
from services.ops.interchange.converter import MAX_FILE, Converter, FileRefusedError, ReadFormat

FPS = Fps(25, 1)
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
EMPTY = '{"OTIO_SCHEMA":"Timeline.1","name":"x","tracks":{"OTIO_SCHEMA":"Stack.1","children":[]}%s}'


async def refusal(converter: Converter, kind: ReadFormat, document: bytes) -> str:
    with pytest.raises(FileRefusedError) as refused:
        await converter.read(kind, FPS, document)
    return str(refused.value)


async def test_a_billion_laughs_are_not_laughed(converter: Converter) -> None:
    bomb = f'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">{LAUGHS}]><xmeml>&l9;</xmeml>'
    for kind in ("fcp7xml", "fcpxml", "kdenlive"):
        assert "document type" in await refusal(converter, kind, bomb.encode())


async def test_a_billion_laughs_within_a_title_are_not_laughed(converter: Converter) -> None:
    title = f'&lt;!DOCTYPE lolz [&lt;!ENTITY l0 "lol">{LAUGHS.replace("<", "&lt;").replace("&l", "&amp;l")}]>'
    title = title.replace("&amp;lt;", "&lt;")
    project = (
        '<mlt><producer id="t"><property name="mlt_service">kdenlivetitle</property><property name="xmldata">'
        f"{title}&lt;kdenlivetitle/></property></producer>"
        '<playlist id="p"><entry producer="t" in="0" out="9"/></playlist>'
        '<tractor><track producer="p"/></tractor></mlt>'
    )
    assert "document type" in await refusal(converter, "kdenlive", project.encode())


@pytest.mark.few(1, reason="one more file that is refused")
@pytest.mark.parametrize("entity", ['SYSTEM "file:///etc/passwd"', 'SYSTEM "http://127.0.0.1/x"', 'PUBLIC "a" "b"'])
async def test_external_entities_are_not_read(converter: Converter, entity: str) -> None:
    document = f"<!DOCTYPE xmeml [<!ENTITY e {entity}>]><xmeml><sequence><name>&e;</name></sequence></xmeml>"
    assert "document type" in await refusal(converter, "fcp7xml", document.encode())


async def test_a_document_type_in_another_encoding_is_found_too(converter: Converter) -> None:
    document = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE xmeml [<!ENTITY e "x">]><xmeml>&e;</xmeml>'
    assert "document type" in await refusal(converter, "fcp7xml", document.encode("utf-16"))


async def test_the_document_type_of_final_cut_itself_is_fine(converter: Converter) -> None:
    document = (
        b"<?xml version='1.0'?><!DOCTYPE xmeml><xmeml version='4'><sequence><name>A</name><media/></sequence></xmeml>"
    )
    assert (await converter.read("fcp7xml", FPS, document))["name"] == "A"


@pytest.mark.few(1, reason="one more file that is refused")
@pytest.mark.parametrize("depth", [201, 10_000, 1_000_000])
async def test_deep_json_does_not_reach_the_parser_whose_stack_it_would_break(converter: Converter, depth: int) -> None:
    document = EMPTY % (',"metadata":{"x":' + "[" * depth + "]" * depth + "}")
    assert "nested" in await refusal(converter, "otio", document.encode())


async def test_deep_xml_is_refused(converter: Converter) -> None:
    assert "levels" in await refusal(converter, "fcp7xml", b"<a>" * 5000 + b"</a>" * 5000)


async def test_brackets_in_text_are_not_depth(converter: Converter) -> None:
    document = EMPTY % (',"metadata":{"x":"' + "[" * 5000 + '\\"' + "{" * 5000 + '"}')
    assert (await converter.read("otio", FPS, document.encode()))["OTIO_SCHEMA"] == "Timeline.1"


@pytest.mark.slow(reason="one more file that is refused")
async def test_a_hundred_thousand_events_are_too_many_for_an_edl(converter: Converter) -> None:
    line = "%06d  AX V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n"
    document = "TITLE: long\n" + "".join(line % number for number in range(100_000))
    assert "lines" in await refusal(converter, "edl", document.encode())


async def test_a_file_that_is_too_large_is_not_opened(converter: Converter) -> None:
    assert "bytes" in await refusal(converter, "otio", b" " * (MAX_FILE + 1))


@pytest.mark.few(1, reason="one more file that is refused")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
async def test_edls_come_in_many_encodings(converter: Converter, encoding: str) -> None:
    document = (
        "TITLE: Käse\r\n\r\n001  AX       V     C        00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\r\n"
        "* FROM CLIP NAME:  Käse.mov\r\n"
    )
    assert (await converter.read("edl", FPS, document.encode(encoding)))["name"] == "Käse"


@pytest.mark.few(2, reason="one more file that is refused")
@pytest.mark.parametrize("kind", ["otio", "edl", "fcp7xml", "fcpxml", "kdenlive", "aaf"])
@pytest.mark.parametrize("document", [b"", b"\xff\xfe\xfd\xfc", b"\x00" * 100, b"\xed\xa0\x80", b"[1", b"<", b"001"])
async def test_rubbish_is_refused_with_a_reason(converter: Converter, kind: ReadFormat, document: bytes) -> None:
    if kind == "edl" and not document:
        assert (await converter.read(kind, FPS, document))["tracks"]["children"] == []
    else:
        assert len(await refusal(converter, kind, document)) > 20


async def test_numbers_that_json_does_not_have_do_not_come_through(converter: Converter) -> None:
    found = await converter.read("otio", FPS, (EMPTY % ',"metadata":{"x":Infinity,"y":NaN}').encode())
    assert found["metadata"] == {"x": None, "y": None}


async def test_plugins_hooks_and_linkers_of_the_environment_take_no_part(
    converter: Converter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trap = tmp_path / "touched"
    plugin = tmp_path / "linker.py"
    plugin.write_text(f"open({str(trap)!r}, 'w')\ndef link_media_reference(*a): pass\n")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        '{"OTIO_SCHEMA":"PluginManifest.1","media_linkers":[{"OTIO_SCHEMA":"MediaLinker.1","name":"x",'
        f'"execution_scope":"in process","filepath":"{plugin}"}}]}}'
    )
    monkeypatch.setenv("OTIO_PLUGIN_MANIFEST_PATH", str(manifest))
    monkeypatch.setenv("OTIO_DEFAULT_MEDIA_LINKER", "x")
    assert (await converter.read("otio", FPS, (EMPTY % "").encode()))["name"] == "x"
    assert not trap.exists()
