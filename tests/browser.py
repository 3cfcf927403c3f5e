"""A real browser for tests: Debian's chromium, one process for all of them.

``watched`` is a fresh page that remembers what it should not do. Chromium is looked for on the
PATH. Where there is none the tests that need it are skipped, unless the environment variable
FEATVIZ_NEEDS_BROWSER is set: then they fail.
"""

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A page may be told these without asking anyone.
INSIDE = ("data:", "blob:", "about:")


@dataclass
class Watched:
    """A page, and what went wrong on it; a test may empty the lists when it means it."""

    page: object
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def note_request(self, request):
        document = request.is_navigation_request() and request.url.startswith("file:")
        if not document and not request.url.startswith(INSIDE):
            self.requests.append(request.url)

    def note_message(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def note_error(self, error):
        self.errors.append(str(error))


def _missing(reason):
    if os.environ.get("FEATVIZ_NEEDS_BROWSER"):
        pytest.fail(f"FEATVIZ_NEEDS_BROWSER is set, but {reason}")
    pytest.skip(reason)


def _playwright():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed: pip install featviz[test]")
    return sync_playwright()


@pytest.fixture(scope="session")
def browser():
    """Chromium, started once."""
    found = [path for path in map(shutil.which, NAMES) if path]
    if not found:
        _missing(f"no Chromium is on the PATH (looked for {', '.join(NAMES)})")
    with _playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        yield chromium
        chromium.close()


def watch(page):
    """The page with its requests and errors remembered."""
    watched = Watched(page)
    page.on("request", watched.note_request)
    page.on("console", watched.note_message)
    page.on("pageerror", watched.note_error)
    return watched


@contextmanager
def opened(browser, **options):
    """A fresh page, alone in its context; at the end it has asked for nothing and said no error."""
    context = browser.new_context(**options)
    watched = watch(context.new_page())
    try:
        yield watched
    finally:
        context.close()
    assert watched.requests == []
    assert watched.errors == []


@pytest.fixture
def watched(browser):
    """A page as ``opened`` gives it."""
    with opened(browser) as watched:
        yield watched
