"""Signed URLs give one thing, in one way, for a while."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.blobs.signing import PREFIX, LinkExpiredError, LinkInvalidError, check, sign

SECRET = "file secret"


def opened(url: str, method: str = "GET", now: float = 1000, secret: str = SECRET) -> str | None:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return check(secret, unquote(parts.path.removeprefix(PREFIX)), query, method, now)


def test_a_signed_url_opens_its_file() -> None:
    url = sign(SECRET, "proxy/p_1/v1_proxy.mp4", 2000)
    assert url.startswith("/files/proxy/p_1/v1_proxy.mp4?expires=2000&signature=")
    assert opened(url) is None
    assert opened(url, "HEAD") is None


def test_the_name_of_the_download_is_signed_too() -> None:
    url = sign(SECRET, "a", 2000, filename='my "film" é.mp4')
    assert opened(url) == 'my "film" é.mp4'
    with pytest.raises(LinkInvalidError):
        opened(url.replace("film", "evil"))


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("/files/a", "/files/b"),
        lambda url: url.replace("2000", "9000"),
        lambda url: url.replace("signature=", "signature=A"),
        lambda url: url + "&filename=x",
        lambda url: url.split("&")[0],
        lambda url: url.split("?")[0],
        lambda url: url.replace("expires=2000", "expires=x"),
        lambda url: url.replace("expires=2000", "expires=" + "9" * 40),
        lambda url: url.replace("signature=", "signature=%C3%A9"),
    ],
)
def test_a_changed_url_opens_nothing(change: object) -> None:
    assert callable(change)
    with pytest.raises(LinkInvalidError):
        opened(change(sign(SECRET, "a", 2000)))


def test_another_method_or_secret_opens_nothing() -> None:
    for method, secret in [("PUT", SECRET), ("DELETE", SECRET), ("GET", "another")]:
        with pytest.raises(LinkInvalidError):
            opened(sign(SECRET, "a", 2000), method, secret=secret)


def test_an_old_url_opens_nothing() -> None:
    with pytest.raises(LinkExpiredError):
        opened(sign(SECRET, "a", 2000), now=2000)


@given(st.text(min_size=1, max_size=50).filter(lambda key: key.isprintable()), st.text(max_size=30))
def test_any_key_and_name_survive_the_url(key: str, name: str) -> None:
    assert opened(sign(SECRET, key, 2000, filename=name)) == name


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert sign(SECRET, "a", 1, filename="b").split("signature=")[1] != sign(SECRET, "a1", 1).split("signature=")[1]
