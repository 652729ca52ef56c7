"""The config of a training run: the tree of all its options."""

import dataclasses
import difflib

from keras_crosspool.config.data_config import DataConfig
from keras_crosspool.config.device_config import DeviceConfig
from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.config.guidance_config import GuidanceConfig
from keras_crosspool.config.network_config import NetworkConfig
from keras_crosspool.config.option import flag_name, options_of
from keras_crosspool.config.scheme_config import SchemeConfig
from keras_crosspool.config.solver_config import SolverConfig


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """All options of a training run.

    Attributes:
        data: `DataConfig`.
        network: `NetworkConfig`.
        scheme: `SchemeConfig`.
        guidance: `GuidanceConfig`.
        solver: `SolverConfig`.
        devices: `DeviceConfig`.
        fine_tuning: `FineTuningConfig`; its batch size, seed and cache folder are the run's.

    Example:

    >>> config = TrainingConfig.of(data="photos", scheme="scheme2", epochs=5)
    >>> config.network.scheme, config.fine_tuning.epochs, config.solver.method
    ('scheme2', 5, 'ridge')
    """

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    network: NetworkConfig = dataclasses.field(default_factory=NetworkConfig)
    scheme: SchemeConfig = dataclasses.field(default_factory=SchemeConfig)
    fine_tuning: FineTuningConfig = dataclasses.field(default_factory=FineTuningConfig)
    guidance: GuidanceConfig = dataclasses.field(default_factory=GuidanceConfig)
    solver: SolverConfig = dataclasses.field(default_factory=SolverConfig)
    devices: DeviceConfig = dataclasses.field(default_factory=DeviceConfig)

    @classmethod
    def of(cls, **values):
        """The config with some options, by the names of their flags, and defaults elsewhere.

        Args:
            **values: option to value.

        Raises:
            ValueError: if an option is unknown, or a value is out of range.
        """
        known = {flag_name(field) for _, field in cls.options()}
        for name in values.keys() - known:
            close = difflib.get_close_matches(name, known)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise ValueError(f"There is no such option.{hint} Received: {name}={values[name]!r}")
        values = {name: tuple(x) if isinstance(x, list) else x for name, x in values.items()}
        parts = {}
        for part in dataclasses.fields(cls):
            names = {field.name: flag_name(field) for field, _ in options_of(part.type)}
            own = {field: values[name] for field, name in names.items() if name in values}
            parts[part.name] = part.type(**own)
        return cls(**parts)

    @classmethod
    def options(cls):
        """Yields every option once: pairs of the part's name and the `dataclasses.Field`."""
        seen = set()
        for part in dataclasses.fields(cls):
            for field, _ in options_of(part.type):
                if flag_name(field) not in seen:
                    seen.add(flag_name(field))
                    yield part.name, field

    def to_dict(self):
        """Every option by the name of its flag, as plain data."""
        values = {
            flag_name(field): getattr(getattr(self, part), field.name)
            for part, field in self.options()
        }
        return {name: list(x) if isinstance(x, tuple) else x for name, x in values.items()}

    def of_the_run(self):
        """The options that make the run what it is, as `to_dict` gives them."""
        others = {
            flag_name(field)
            for _, field in self.options()
            if not field.metadata["option"].of_the_run
        }
        return {name: value for name, value in self.to_dict().items() if name not in others}

    def replace(self, **values):
        """The config with some other options, by the names of their flags."""
        return type(self).of(**{**self.to_dict(), **values})
