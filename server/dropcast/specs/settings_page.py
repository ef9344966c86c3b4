"""docs/reference/settings.md: every setting, from settings.py."""

from dropcast.settings import ENV_PREFIX, Settings, flag_of, groups, variable_of, wanted
from dropcast.settings_help import HELP
from dropcast.specs.tables import code, page, table

_DEFAULTS = Settings()


def render() -> str:
    parts = []
    for title, names in groups().items():
        rows = [
            (code(flag_of(name)), code(variable_of(name)), _default(name), wanted(name), HELP[name])
            for name in names
        ]
        parts += [f"## {title}", table(("flag", "variable", "default", "may be", "what it does"), rows)]
    return page(
        "Settings",
        "server/dropcast/settings.py",
        "A value comes from the flag, then from the environment variable, then from the default. A variable that "
        f"begins with `{ENV_PREFIX}` and is no setting is an error, so that a misspelt one is noticed; those that "
        "Kubernetes and Docker make for services named `dropcast...` are left out. An empty value counts as not "
        "given, with a warning; for `host`, `metrics_host`, `redis_url` and `jwt_...` it is an error. White space "
        "and line ends around a value are left out. Switches are turned off by `--no-` before their name. Names end "
        "in their unit.",
        *parts,
    )


def _default(name: str) -> str:
    value = getattr(_DEFAULTS, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return code(value)
