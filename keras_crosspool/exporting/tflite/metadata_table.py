"""Writes tables of a FlatBuffer whose schema is given by the numbers of its fields."""


class Byte(int):
    """A value of eight bits."""


class UInt(int):
    """A value of 32 bits without a sign."""


class Float(float):
    """A value in float32."""


def pack_table(table, identifier):
    """Writes a table and all that is in it.

    Args:
        table: dict, the number of a field in the schema to its value: `str`, `Byte`, `UInt`,
            `Float`, a dict for a table, a list of dicts for a vector of tables, or a list of float
            for a vector of float32. A field that is `None` is left out.
        identifier: bytes, the four that name the schema.

    Returns:
        bytes.

    Reference:
        "FlatBuffers Internals", flatbuffers.dev.

    Example:

    >>> content = pack_table({0: "name", 2: {0: Float(0.5)}}, b"M001")
    >>> content[4:8], b"name" in content
    (b'M001', True)
    """
    import flatbuffers

    builder = flatbuffers.Builder()
    builder.Finish(_write(builder, table), file_identifier=identifier)
    return bytes(builder.Output())


def _write(builder, table):
    """Writes a table behind what it refers to, and gives its place."""
    given = {slot: value for slot, value in table.items() if value is not None}
    placed = {slot: _place(builder, value) for slot, value in given.items()}
    builder.StartObject(max(given, default=-1) + 1)
    for slot, value in given.items():
        match value:
            case Byte():
                builder.PrependUint8Slot(slot, value, 0)
            case UInt():
                builder.PrependUint32Slot(slot, value, 0)
            case Float():
                builder.PrependFloat32Slot(slot, value, 0.0)
            case _:
                builder.PrependUOffsetTRelativeSlot(slot, placed[slot], 0)
    return builder.EndObject()


def _place(builder, value):
    """Writes what a table refers to and gives its place; a number lies in the table itself."""
    match value:
        case str():
            return builder.CreateString(value)
        case dict():
            return _write(builder, value)
        case [dict(), *_]:
            return _vector(builder, [_write(builder, each) for each in value])
        case list():
            return _vector(builder, value)
    return None


def _vector(builder, items):
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        if isinstance(item, float):
            builder.PrependFloat32(item)
        else:
            builder.PrependUOffsetTRelative(item)
    return builder.EndVector()
