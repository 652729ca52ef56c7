"""Reads tables of comma-separated values, each row checked against the header."""

import csv
import io
import pathlib

from keras_crosspool.names import readable

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_table(path, columns, unique):
    """Reads a CSV file with a header.

    The text is UTF-8, or UTF-16 with its byte order mark; lines end as they do on any system. Empty
    lines are passed over.

    Args:
        path: path of the file.
        columns: sequence of str, the columns that there must be; others may be there too.
        unique: str, the column whose values must differ.

    Returns:
        List of pairs: the number of the line on which a row ends, and the row, a dict from column
        to str.

    Raises:
        ValueError: with file and line, if the text is in another encoding or no CSV, the header
            lacks a column or names one twice, a row has more or fewer fields than the header, or a
            value of `unique` comes twice.

    Example:

    >>> _ = pathlib.Path("fruit.csv").write_text("class,coarse_class\\nAnjou,Pear\\n")
    >>> read_table("fruit.csv", ("class", "coarse_class"), "class")
    [(2, {'class': 'Anjou', 'coarse_class': 'Pear'})]
    """
    path = pathlib.Path(path)
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    lines = ((reader.line_num, fields) for fields in _fields(reader, path) if fields)
    _, header = next(lines, (0, []))
    _check_header(header, columns, path)
    rows = [(line, _row(fields, header, path, line)) for line, fields in lines]
    _refuse_repeats(rows, unique, path)
    return rows


def _text(path):
    data = path.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path.name} is not {encoding.removesuffix('-sig').upper()} text, but maybe Latin-1 "
            "or another old encoding: save it as UTF-8. "
            f"Received: {readable(path)}, line {line}, byte {data[error.start]:#04x}"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(
            f"{path.name} holds a NUL character, so it is no table, or UTF-16 without its byte "
            f"order mark: save it as UTF-8. Received: {readable(path)}, line {line}"
        )
    return text


def _fields(reader, path):
    try:
        yield from reader
    except csv.Error as error:
        raise ValueError(
            f"{path.name} is no comma-separated table ({error}). "
            f"Received: {readable(path)}, line {reader.line_num}"
        ) from error


def _check_header(header, columns, path):
    missing = [name for name in columns if name not in header]
    if missing or len(set(header)) < len(header):
        raise ValueError(
            f"{path.name} needs the columns {','.join(columns)}, each once. "
            f"Received: {readable(path)} with {','.join(header)[:200]}"
        )


def _row(fields, header, path, line):
    if len(fields) != len(header):
        raise ValueError(
            f"{path.name} has a row that does not fit the header {','.join(header)}: expected "
            f"{len(header)} fields, with quotes around a field that holds a comma. "
            f"Received: {readable(path)}, line {line}, {len(fields)} fields: "
            f"{','.join(fields)[:200]}"
        )
    return dict(zip(header, fields, strict=True))


def _refuse_repeats(rows, unique, path):
    first = {}
    for line, row in rows:
        value = row[unique]
        if value in first:
            raise ValueError(
                f"{path.name} has two rows with the same {unique}: leave one. "
                f"Received: {readable(path)}, lines {first[value]} and {line}: {value[:200]}"
            )
        first[value] = line
