"""Debian's chromium on the page of a real server. Whatever leaves the origin, or complains, fails the test."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Error, Locator, Page, Request, expect, sync_playwright

from tests.web.serving import PATIENCE, Server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LONG = PATIENCE * 1000

expect.set_options(timeout=LONG)


@dataclass
class Tab:
    """A tab with the page, and what it had to complain about."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)

    def row(self, key: str) -> Locator:
        return self.page.locator(".rows .row").filter(has=self.page.get_by_text(key, exact=True))

    def dot(self, key: str, system: str) -> Locator:
        return self.row(key).locator(f"[data-system={system}]")

    @property
    def words(self) -> Locator:
        """The live region."""
        return self.page.locator("#words")

    def console(self, message: ConsoleMessage) -> None:
        """An answer that is a problem is no error of the page, which shows it."""
        if message.type == "error" and not message.text.startswith(("Failed to load resource", "net::")):
            self.complaints.append(message.text)

    def error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def dialog(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.complaints.append(f"to another origin: {request.url}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def tab(browser: Browser, server: Server, width: int = 1280, height: int = 800, scheme: str = "light") -> Iterator[Tab]:
    """A tab that has painted the first rows."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(LONG)
    opened = Tab(context.new_page(), server.origin)
    opened.page.on("console", opened.console)
    opened.page.on("pageerror", opened.error)
    opened.page.on("dialog", opened.dialog)
    opened.page.on("request", opened.request)
    opened.page.goto(server.page)
    expect(opened.page.locator(".rows .dot").first).to_be_visible()
    yield opened
    assert opened.complaints == []
    context.close()
