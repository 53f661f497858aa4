"""The page at /api/docs in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright, expect

from cutlog.web import Role, Server, mint
from tests.support.gates import RING

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.slow(reason="in a browser"),
]


@pytest.fixture
async def complaints() -> list[str]:
    """What the browser had to say against the page: broken scripts, refused sources."""
    return []


@pytest.fixture
async def page(server: Server, complaints: list[str]) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        session = {"subject": "bob", "role": "viewer", "csrf": "x"}
        await page.route("**/api/session", lambda route: route.fulfill(json=session))
        await page.goto(f"{server.url}/api/docs")
        await expect(page.locator("article").first).to_be_visible()
        yield page
        await browser.close()


async def test_an_operation_is_shown_with_its_types_and_sent(page: Page, complaints: list[str]) -> None:
    await page.fill("#token", mint(RING, "ann", Role.editor))
    await expect(page.locator("#who")).to_have_text("ann · editor")
    operation = page.locator("article", has_text="Appends a version")
    await operation.locator("summary").first.click()
    await expect(operation.locator("td", has_text="items ≤ 1000").first).to_be_visible()
    await expect(operation.locator(".type", has_text="(Trim | Mark)[]").first).to_be_visible()
    await operation.locator("label", has_text="project").locator("input").fill("p_1")
    await expect(operation.locator("form pre").first).to_contain_text("/api/projects/p_1/ops'")
    await operation.get_by_role("button", name="Send").click()
    await expect(operation.locator(".answer")).to_contain_text("201 Created")
    await expect(operation.locator(".answer pre")).to_contain_text('"number": 1')
    assert complaints == []


async def test_an_event_stream_is_followed_until_stopped(page: Page) -> None:
    await page.fill("#token", mint(RING, "ann", Role.viewer))
    operation = page.locator("article", has_text="Follows a project")
    await operation.locator("summary").first.click()
    await operation.locator("label", has_text="project").locator("input").fill("p_1")
    await operation.get_by_role("button", name="Send").click()
    await expect(operation.locator(".answer pre")).to_contain_text("id: 3")
    await operation.get_by_role("button", name="Stop").click()
    await expect(operation.get_by_role("button", name="Send")).to_be_enabled()


async def test_the_search_leaves_what_fits(page: Page) -> None:
    await page.keyboard.press("/")
    await page.keyboard.type("get version")
    await expect(page.locator("article:visible")).to_have_count(1)
    await expect(page.locator("nav li:visible")).to_have_text(["getOne version"])


async def test_nothing_in_a_document_becomes_markup(page: Page) -> None:
    await page.evaluate(
        """() => {
            spec.paths["/api/items"].get.summary = "<img src=x onerror=alert(1)>";
            draw();
        }"""
    )
    await expect(page.locator("article", has_text="<img src=x")).to_be_visible()
    assert await page.locator("main img").count() == 0


async def test_descriptions_show_code_and_paragraphs_and_the_page_begins_with_an_introduction(page: Page) -> None:
    await expect(page.locator(".intro p")).to_have_count(2)
    await expect(page.locator(".intro code").first).to_have_text("Authorization: Bearer TOKEN")
    operation = page.locator("article", has_text="Lists items")
    await operation.locator("summary").first.click()
    await operation.locator(".schema summary").first.click()
    await expect(operation.locator(".schema p code").first).to_have_text("next")
    assert "`" not in await page.locator("main").inner_text()


async def test_a_form_is_sent_with_the_fields_that_its_description_names(page: Page) -> None:
    await page.fill("#token", mint(RING, "ann", Role.editor))
    operation = page.locator("article", has_text="Takes a film with a title")
    await operation.locator("summary").first.click()
    await operation.locator("input[type=file]").set_input_files(
        {"name": "a.bin", "mimeType": "application/octet-stream", "buffer": b"12345"}
    )
    await operation.locator("input[name=title]").fill("It's")
    await expect(operation.locator("form pre").first).to_contain_text("-F 'film=@a.bin' -F 'title=It'\\''s'")
    await operation.get_by_role("button", name="Send").click()
    await expect(operation.locator(".answer pre")).to_contain_text('"id": "film-title"')
