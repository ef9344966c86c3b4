"""The export that the bench `join` imports is one that a shop could have made."""

import csv
import io

from dropcast_bench import catalogue


def test_a_jumper_has_a_row_for_each_size_and_the_first_says_what_they_share() -> None:
    rows = list(csv.DictReader(io.StringIO(catalogue.jumpers(2))))
    assert [row["Variant SKU"] for row in rows] == catalogue.skus(0) + catalogue.skus(1)
    assert [row["Handle"] for row in rows] == [catalogue.jumper(0)] * 4 + [catalogue.jumper(1)] * 4
    assert [bool(row["Title"]) for row in rows] == [True, False, False, False] * 2
    assert all(row["Image Src"].startswith("https://") and None not in row for row in rows)
