"""Tables on standard output."""

from keras_crosspool.text import printable


def print_table(columns, rows):
    """Prints a table; every cell is shown as it is, none is read as markup or as an emoji's code.

    Args:
        columns: sequence of str, the headings.
        rows: iterable of sequences of str, one cell a column.
    """
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(*(Column(Text(name), overflow="fold") for name in columns))
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console()
    with console.capture() as captured:
        console.print(table)
    # Rich itself would end the program where the reader of a pipe is gone.
    print(captured.get(), end="")
