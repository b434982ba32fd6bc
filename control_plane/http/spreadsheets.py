"""Lines of a file for spreadsheets (RFC 4180), in which nothing is run that others wrote. Pure."""

import csv
import io
from collections.abc import Sequence

# What a spreadsheet would take for a formula (OWASP, CSV injection); tab and CR hide one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([_plain(each) for each in cells])
    return written.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
