"""Images are found by the number at the end of their names."""

from mdhr.files.search import numbered_images


def test_images_are_numbered_by_the_digits_before_the_suffix() -> None:
    names = ["F1_0007.jpg", "8.TIFF", "9.webp", "Thumbs.png", "10.txt", "11 (1) copy.jpg", "007.bmp"]
    assert numbered_images(names) == ({7: "F1_0007.jpg", 8: "8.TIFF", 9: "9.webp"}, ["007.bmp"])
