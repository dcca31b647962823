"""The configuration file of a site: `framework.config.py`."""

import os

from ..config import Config
from ..errors import Mistake
from ..options import ConfigError
from .modules import LoadError, SiteModules

CONFIG_FILE = "framework.config.py"


def load_config(modules: SiteModules) -> tuple[Config, list[Mistake]]:
    """Return the site's configuration and the mistakes in it.

    With mistakes, or without a file, it is the default configuration.
    """
    path = modules.root / CONFIG_FILE
    if not os.path.lexists(path):  # a link that leads nowhere is a mistake
        return Config(), []
    try:
        config = getattr(modules.load(path), "config", None)
    except LoadError as error:
        cause, mistakes = error.__cause__, list(error.mistakes)
        if isinstance(cause, ConfigError):
            location = mistakes[0].location
            mistakes = [Mistake(location, text) for text in str(cause).splitlines()]
        return Config(), mistakes
    if isinstance(config, Config):
        return config, []
    what = "defines no config" if config is None else f"config is {config!r}, not a Config"
    return Config(), [Mistake(CONFIG_FILE, what, "Write: config = Config(...)")]
