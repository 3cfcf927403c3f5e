"""Measure the animation and the page; prints a Markdown table.

The page runs in Chromium, driven by Playwright (pip install "featviz[test]"); its times are those
of its own script, measured in the page. Run it on a quiet machine:
python scripts/benchmark_motion.py
"""

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip
EDITS = 50


def row(what: str, reached: str, bound: str) -> None:
    print(f"| {what} | {reached} | {bound} |", flush=True)


def animation(folder: Path) -> None:
    import numpy as np

    import featviz as fv

    def lesson(name: str) -> float:
        start = time.perf_counter()
        motion = fv.animate(np.arange(36).reshape(6, 6), "box", padding=1, size=(1000, 500))
        motion.save(folder / name)
        return time.perf_counter() - start

    for ending, most in ((".gif", "100 kB"), (".webp", "–"), (".apng", "–")):
        lesson(f"warm{ending}")
        taken = statistics.median(lesson(f"lesson{ending}") for _ in range(5))
        size = (folder / f"lesson{ending}").stat().st_size
        bound = "0.6 s" if ending == ".gif" else "–"
        row(f"36 frames of 1000×500 as {ending[1:].upper()}, drawn and written",
            f"{taken:.2f} s", bound)  # fmt: skip
        row(f"size of that {ending[1:].upper()}", f"{size / 1000:.0f} kB", most)


def pages(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    import featviz as fv

    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for name in ("camera", "chelsea", "coffee"):
            photograph = fv.sample_image(name)
            side = min(photograph.shape[:2])
            picture = folder / f"{name}.png"
            fv.write_image(picture, fv.read_image(photograph[:side, :side], size=400))
            made = fv.page(picture, "edge", padding="same")
            row(f"the page with {name} at 400×400", f"{len(made.html.encode()) / 1000:.0f} kB",
                "400 kB")  # fmt: skip
            view = browser.new_page()
            view.goto(made.save(folder / f"{name}.html").as_uri())
            row(f"an edit of a kernel number on {name}, all stages redrawn, median of {EDITS}",
                f"{redraws(view):.1f} ms", "16 ms")  # fmt: skip
            view.close()
        browser.close()


def redraws(view: object) -> float:
    """Return the median time of script after an edit of the kernel, in milliseconds."""
    cell = view.locator("#cells input").first
    cell.wait_for()
    times = []
    for edit in range(EDITS):
        cell.fill(str(edit % 7 - 3.5))
        times.append(view.evaluate("featviz.lastRedraw"))
    return statistics.median(times)


if __name__ == "__main__":
    print("| what | reached | at most |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory() as name:
        animation(Path(name))
        pages(Path(name))
