"""Label maps beside their samples."""

import numpy as np
from PIL import Image

from oasis.synthesis.contact_sheet import ContactSheet


def flat(color, size=(300, 150)):
    return Image.new("RGB", size, color)


def has(sheet, color):
    return int((np.array(sheet) == np.array(color)).all(axis=-1).sum())


def test_every_picture_is_there_at_one_size():
    sheet = ContactSheet("title")
    colors = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    sheet.add("a", flat(colors[0]), [("seed 0", flat(colors[1])), ("seed 1", flat(colors[2], (600, 300)))])
    drawn = sheet.draw()
    for color in colors:
        assert has(drawn, color) == 300 * 150


def test_the_photo_stands_first():
    sheet = ContactSheet("title")
    sheet.add("a", flat((1, 2, 3)), [("seed 0", flat((4, 5, 6)))], photo=flat((7, 8, 9), (30, 15)))
    row = [tuple(pixel) for pixel in np.array(sheet.draw())[-60].tolist()]
    assert row.index((7, 8, 9)) < row.index((1, 2, 3)) < row.index((4, 5, 6))


def test_large_pictures_are_shrunk_and_small_ones_enlarged_by_whole_factors():
    sheet = ContactSheet("title")
    sheet.add("large", flat((1, 2, 3), (2048, 1024)), [])
    sheet.add("small", flat((4, 5, 6), (100, 50)), [])
    drawn = sheet.draw()
    assert has(drawn, (1, 2, 3)) == 384 * 192
    assert has(drawn, (4, 5, 6)) == 300 * 150


def test_no_more_is_kept_than_can_be_looked_at():
    sheet = ContactSheet("title", most_rows=2, most_samples=2)
    for number in range(5):
        samples = [(str(i), flat((10 + number, 20 + i, 0))) for i in range(4)]
        sheet.add(f"map {number}", flat((10 + number, 0, 0)), samples)
    sheet.count()
    assert len(sheet) == 6
    assert sheet.is_full
    drawn = sheet.draw()
    assert has(drawn, (11, 21, 0)) > 0
    assert has(drawn, (11, 22, 0)) == 0  # the third sample
    assert has(drawn, (12, 0, 0)) == 0  # the third map


def test_long_captions_do_not_run_into_each_other():
    sheet = ContactSheet("title")
    sheet.add("a", flat((1, 2, 3)), [("x" * 500, flat((4, 5, 6)))])
    drawn = np.array(sheet.draw())
    assert (drawn[:, -15:] == 255).all()
