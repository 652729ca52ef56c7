"""A row of the table of export formats, and the options of a row."""

import dataclasses
import importlib.util

from keras_crosspool.whole_numbers import whole_number


@dataclasses.dataclass(frozen=True)
class Option:
    """One flag of an exporter, and keyword argument of its function.

    Args:
        name: name of the flag and of the argument.
        default: value when it is not given; its type is the flag's type.
        help: str, for `--help` and the documentation.
        precisions: the precisions it applies to. Defaults to all.
        choices: the values it can have. Defaults to any.
        least: int, the least value. Defaults to none.
        most: int, the largest value. Defaults to none.
    """

    name: str
    default: object
    help: str
    precisions: tuple[str, ...] | None = None
    choices: tuple[str, ...] | None = None
    least: int | None = None
    most: int | None = None

    def check(self, value):
        """Refuses a value that it cannot have.

        Args:
            value: what the user gave.

        Raises:
            ValueError: if it is none of the choices, no whole number, or out of range.
        """
        if self.choices and value not in self.choices:
            raise ValueError(f"`{self.name}` is {' or '.join(self.choices)}. Received: {value!r}")
        if type(self.default) is int:
            whole_number(self.name, value)
        if self.least is not None and value < self.least:
            raise ValueError(f"`{self.name}` must be at least {self.least}. Received: {value}")
        if self.most is not None and value > self.most:
            raise ValueError(f"`{self.name}` must be at most {self.most}. Received: {value}")


@dataclasses.dataclass(frozen=True)
class Format:
    """One row of the table.

    Args:
        name: str, such as `"tflite"`; the exporter's main is `python -m export.NAME`.
        suffix: suffix of its files or folders.
        artefact: what it is called with its article, such as `"a TFLite file"`.
        precisions: the precisions it can be written in, the default one first.
        runtime: what runs it.
        needs_gpu: whether running (not making) it takes a GPU.
        packages: modules that making it needs; a tuple among them means any one of it.
        extra: the extra of keras_crosspool that installs them.
        exporter: `"module:function"` that makes it.
        runner: `"module:class"` that runs it.
        float16_runner: `"module:class"` that runs its graph with float16 arithmetic; `None` where
            no runtime computes so.
        options: the flags that apply.
        is_folder: whether it is a folder, not a file. Defaults to `False`.
    """

    name: str
    suffix: str
    artefact: str
    precisions: tuple[str, ...]
    runtime: str
    needs_gpu: bool
    packages: tuple
    extra: str
    exporter: str
    runner: str
    float16_runner: str | None
    options: tuple[Option, ...]
    is_folder: bool = False

    def summary(self):
        """What its main does, in one line."""
        return f"Exports a model directory as {self.artefact}, proven on real images."

    def usage(self):
        """The head of the help of its main, with an example."""
        precision = self.precisions[-1]
        example = f"--model=DIR --output=model{self.suffix} --precision={precision}"
        return f"{self.summary()}\n\ncrosspool export {self.name} {example}\n"

    def missing_packages(self):
        """Names of the modules that making this format needs and that are not installed."""
        groups = [(need,) if isinstance(need, str) else need for need in self.packages]
        return tuple(
            " or ".join(group)
            for group in groups
            if not any(importlib.util.find_spec(module) for module in group)
        )

    def check_installed(self):
        """Refuses a format whose packages are not installed.

        Raises:
            ImportError: with what to install.
        """
        missing = self.missing_packages()
        if missing:
            raise ImportError(
                f"{self.name} takes packages that are not installed. Run `pip install "
                f"keras_crosspool[{self.extra}]`. Received: no {', '.join(missing)}"
            )

    def options_of(self, precision):
        """The options that apply to a precision."""
        return tuple(o for o in self.options if precision in (o.precisions or self.precisions))

    def check(self, precision, given=None):
        """Refuses a precision or an option that does not apply.

        Args:
            precision: str.
            given: dict, the options that the user chose to their values. Defaults to none.

        Raises:
            ValueError: if the precision is unknown, or an option does not apply to it or has
                another value than it may have.
        """
        if precision not in self.precisions:
            raise ValueError(
                f"{self.name} is written as {', '.join(self.precisions)}. "
                f"Received: precision={precision!r}"
            )
        given = given or {}
        unknown = sorted(set(given) - {option.name for option in self.options})
        if unknown:
            raise ValueError(
                f"{self.name} has the options {', '.join(o.name for o in self.options)}. "
                f"Received: {', '.join(unknown)}"
            )
        applying = self.options_of(precision)
        for option in self.options:
            if option.name in given and option not in applying:
                raise ValueError(
                    f"`{option.name}` applies to {' and '.join(option.precisions)} alone; leave it "
                    f"out or change `precision`. Received: `precision={precision}`"
                )
            if option.name in given:
                option.check(given[option.name])

    def check_arguments(self, precision, **arguments):
        """Refuses arguments of the exporter's function as `check` does; defaults always apply.

        Args:
            precision: str.
            **arguments: all options that the function has, to their values.

        Raises:
            ValueError: if one does not apply to the precision or has another value than it may.
        """
        defaults = {option.name: option.default for option in self.options}
        chosen = {
            name: value
            for name, value in arguments.items()
            if name not in defaults or value != defaults[name]
        }
        self.check(precision, chosen)
