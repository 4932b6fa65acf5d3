"""The recording of the editor's live mode: ``python docs/make_live.py`` on a machine with nothing else to do writes docs/live.webp.

Every frame is a screenshot of the editor's picture at the moment it is shown for; nothing is sped up.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from devtools import tools  # noqa: E402
from devtools.server import Server  # noqa: E402
from tests.browser.conftest import FLAGS  # noqa: E402
from tests.browser.studio import Studio  # noqa: E402

QUICKSTART = HERE.parent / "example_workflows" / "gooddrag_quickstart.json"
SIZE, HAND = (256, 256), (87, 168)
WAY = [(87 - i * 0.2, 168 - i * 2) for i in range(1, 19)]
PAUSE = 0.45
"""Seconds between two moves of the hand."""
WIDTH = 400


class Recorder:
    def __init__(self, studio: Studio):
        self.studio, self.frames, self.times = studio, [], []

    def frame(self) -> None:
        (left, top, scale), (right, bottom, _) = (self.studio.place(at, SIZE) for at in ((0, 0), SIZE))
        clip = {"x": left, "y": top, "width": right - left - scale, "height": bottom - top - scale}
        shot = self.studio.page.screenshot(clip=clip)
        self.frames.append(Image.open(io.BytesIO(shot)).convert("RGB"))
        self.times.append(time.monotonic())

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.frame()

    def write(self, file: Path) -> None:
        """Frames that show nothing new make the one before last longer."""
        height = round(self.frames[0].height * WIDTH / self.frames[0].width)
        small = [f.resize((WIDTH, height), Image.Resampling.LANCZOS) for f in self.frames]
        kept, durations = [small[0]], [0]
        for before, now, start, end in zip(small, small[1:], self.times, self.times[1:]):
            durations[-1] += round(1000 * (end - start))
            if now.tobytes() != before.tobytes():
                kept.append(now)
                durations.append(0)
        durations[-1] += 2000
        kept[0].save(file, save_all=True, append_images=kept[1:], duration=durations, loop=0, quality=60, method=6)


def main() -> None:
    with Server() as server, sync_playwright() as playwright:
        server.frontend = "own"
        path = tools.chromium() or playwright.chromium.executable_path
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        studio = Studio(browser, server, "classic")
        page = studio.page
        studio.open(QUICKSTART)
        studio.wait_for_picture()
        page.wait_for_timeout(1500)
        studio.choose("Live")
        page.wait_for_timeout(8000)  # the coarse edit of the suggestion loads the model
        recorder = Recorder(studio)
        recorder.watch(0.5)
        page.mouse.move(*studio.place(HAND, SIZE)[:2])
        page.mouse.down()
        for to in WAY:
            page.mouse.move(*studio.place(to, SIZE)[:2])
            recorder.watch(PAUSE)
        recorder.watch(1.5)
        page.mouse.up()
        shows = "() => document.querySelector('.gd-editor .gd-stage').dataset.shows"
        end = time.monotonic() + 180
        while page.evaluate(shows) != "after" and time.monotonic() < end:
            recorder.watch(0.5)
        recorder.watch(1)
        recorder.write(HERE / "live.webp")
        browser.close()


if __name__ == "__main__":
    main()
