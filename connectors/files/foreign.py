"""Files that are no lines of text: what they are, and what makes lines of them."""

_PANDAS = "python -c \"import pandas as p; p.read_{0}('FILE').to_csv('FILE.csv', index=False)\""
_KINDS = (  # first bytes, the last letters of the name, what it is, and the remedy
    ((b"PAR1",), (".parquet", ".pq"), "a Parquet file", _PANDAS.format("parquet")),
    ((b"ARROW1",), (".feather", ".arrow"), "a Feather file", _PANDAS.format("feather")),
    ((b"ORC",), (".orc",), "an ORC file", _PANDAS.format("orc")),
    (
        (b"\xd0\xcf\x11\xe0",),
        (".xlsx", ".xlsm", ".xls", ".ods"),
        "a workbook of a spreadsheet",
        "save the sheet as CSV",
    ),
    ((b"\x89HDF",), (".h5", ".hdf5", ".nc"), "an HDF5 file", "write the table as CSV"),
    ((b"SQLite format 3",), (".sqlite", ".db"), "an SQLite database", "export a table as CSV"),
    ((b"Obj\x01",), (".avro",), "an Avro file", "write its records as JSON lines"),
    ((b"%PDF",), (".pdf",), "a PDF", "copy the table into a CSV file"),
    ((b"\x80\x04", b"\x80\x05"), (".pkl", ".pickle"), "a pickle", "write it as CSV with to_csv"),
    ((b"\x93NUMPY",), (".npy", ".npz"), "an array of numpy", "write it with numpy.savetxt"),
    (
        (b"<!doctype html", b"<html"),
        (".html", ".htm"),
        "a web page",
        "download the file itself: the link may lead to a page about it",
    ),
    ((b"<?xml",), (".xml",), "an XML file", _PANDAS.format("xml")),
)


def head_of(path: str) -> bytes:
    """The first bytes of a file as they are; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def foreign(path: str, head: bytes) -> str | None:
    """What a file is that begins with *head*, if it is no lines of text, and the remedy.

    >>> foreign("a.csv", b"<!DOCTYPE html>")[:21]
    'a.csv is a web page: '
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    for firsts, endings, what, remedy in _KINDS:
        packed = head.startswith(b"PK\x03\x04") and ".xlsx" in endings
        packed = packed and (b"xl/" in head or b"[Content_Types]" in head or b"opendoc" in head)
        named = path.lower().endswith(endings)
        if packed or named or any(start.startswith(first.lower()) for first in firsts):
            return f"{path} is {what}: {remedy.replace('FILE', path)}"
    return None
