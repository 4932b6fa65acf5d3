"""Points land where they were aimed, whatever lies between the hand and the picture."""

import pytest

from tests.browser.studio import SIZES

ZOOMS = (0.3, 1, 2.5)
AIMS = {
    "landscape": [((100, 60), (420, 300)), ((600, 20), (320, 390))],
    "portrait": [((60, 100), (300, 420)), ((20, 600), (390, 320))],
    "strip": [((16, 100), (16, 420)), ((8, 850), (28, 620))],
}


def largest_error(studio, picture: str, zoom: float) -> tuple[float, float]:
    """In picture pixels, and how many of them one screen pixel covers."""
    size = SIZES[picture]
    studio.new(picture, zoom)
    for start, end in AIMS[picture]:
        studio.drag(start, end, size)
    _, _, scale = studio.place((0, 0), size)
    placed = studio.pairs()
    assert len(placed) == len(AIMS[picture])
    errors = [abs(a - b) for aim, got in zip(AIMS[picture], placed) for p, q in zip(aim, got) for a, b in zip(p, q)]
    return max(errors), 1 / scale


@pytest.mark.parametrize("ratio", [1, 2])
def test_pairs_land_where_they_were_aimed(open_studio, ratio):
    studio = open_studio(ratio=ratio)
    for picture in AIMS:
        for zoom in ZOOMS:
            error, screen = largest_error(studio, picture, zoom)
            row = f"| {studio.server.frontend} | {studio.renderer} | {ratio} | {zoom} | {picture} | {error:.2f} | {screen:.2f} |"
            print(row)
            assert error <= max(0.5, screen), row
    studio.close()
