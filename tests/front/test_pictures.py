"""Picture files of any kind are read as they look, or refused in words."""

import io

import numpy as np
import pytest
from PIL import Image

from gooddrag import pictures
from gooddrag.network import codec

GREY = np.linspace(0, 255, 80 * 70).round().astype(np.uint8).reshape(70, 80)


def quiet(sentence):
    raise AssertionError(sentence)


def as_mode(mode):
    grey = GREY.astype(np.int64)
    if mode == "F":
        return Image.fromarray((grey / 255).astype(np.float32))
    if mode == "I;16":
        return Image.fromarray((grey * 257).astype(np.uint16))
    if mode == "I":
        return Image.fromarray((grey * 257).astype(np.int32))
    return Image.fromarray(GREY).convert("RGB" if mode in ("CMYK", "YCbCr") else "L").convert(mode)


@pytest.mark.parametrize("ending", ["tif", "png"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "CMYK", "I;16", "I", "F"])
def test_every_mode_looks_the_same(tmp_path, mode, ending):
    path = tmp_path / f"a.{ending}"
    try:
        as_mode(mode).save(path)
    except OSError:
        pytest.skip(f"{ending} has no {mode}")
    image = pictures.read(str(path), "picture", quiet)
    seen = (codec.to_tensor(image)[0].mean(0).numpy() + 1) * 127.5
    assert np.abs(seen - GREY).max() <= 1
    assert np.abs(np.asarray(image.convert("L")).astype(int) - GREY).max() <= 1  # as a mask


def test_one_bit(tmp_path):
    Image.fromarray(GREY > 99).save(tmp_path / "a.png")
    assert np.array_equal(
        np.asarray(pictures.read(str(tmp_path / "a.png"), "mask", quiet).convert("L")), (GREY > 99) * 255
    )


def test_transparency_of_a_palette_is_laid_on_white(tmp_path):
    image = Image.fromarray(GREY).convert("P")
    image.info["transparency"] = 0
    image.save(tmp_path / "a.png", transparency=0)
    seen = codec.to_tensor(pictures.read(str(tmp_path / "a.png"), "picture", quiet))
    assert (seen[0, :, 0, 0] == 1).all()


@pytest.mark.parametrize("values", [(0, 255), (-1, 1), (0, np.nan), (0, np.inf)])
def test_fractions_whose_white_is_not_known_are_refused(tmp_path, values):
    array = np.zeros((70, 80), np.float32)
    array[0, :2] = values
    Image.fromarray(array).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="a.tif cannot be read .* where 0 to 1 can be read; save it with 8 or 16 bits"):
        pictures.read(str(tmp_path / "a.tif"), "picture", quiet)


@pytest.mark.parametrize("ending", ["gif", "png", "tif", "webp"])
def test_of_several_pictures_the_first_is_used_and_it_is_said(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    frames = [Image.new("RGB", (80, 70), colour) for colour in ("red", "blue", "green")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    told = []
    image = pictures.read(str(path), "picture", told.append)
    assert told == [f"the picture {path} holds 3 pictures; the first is used"]
    red, _, blue = image.convert("RGB").getpixel((5, 5))
    assert (red > 200, blue < 50) == (True, True)


def test_it_is_turned_upright(tmp_path):
    image = Image.fromarray(GREY)
    exif = image.getexif()
    exif[0x0112] = 6  # a quarter turn
    image.save(tmp_path / "a.png", exif=exif)
    assert pictures.read(str(tmp_path / "a.png"), "picture", quiet).size == (70, 80)


@pytest.mark.parametrize("keep", [0.9, 0.5, 0.01])
def test_a_file_that_is_cut_off_is_refused(tmp_path, keep):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 80, 3), np.uint8)).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue()[: int(keep * len(buffer.getvalue()))])
    with pytest.raises(ValueError, match="cannot be read as a picture"):
        pictures.read(str(tmp_path / "a.png"), "picture", quiet)


def test_a_format_that_would_keep_another_size_is_refused(tmp_path):
    assert pictures.check_format(tmp_path / "a.JPG", (300, 200)) == "JPEG"
    with pytest.raises(ValueError, match=r"\.ico would keep .* of 300x300 pixels"):
        pictures.check_format(tmp_path / "a.ico", (300, 300))
