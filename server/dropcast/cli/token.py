"""`dropcast token`: mint a token with the secret that the server verifies by."""

import click

from dropcast.cli.options import TOKEN_OPTIONS, settings_command
from dropcast.domain.viewer import Role
from dropcast.edge.secrets import resolve_secret
from dropcast.edge.tokens import EXPIRES_S_MAX, TOKEN_ROLES, mint
from dropcast.settings import Settings

_DAY_S = 86_400


@settings_command("token", TOKEN_OPTIONS)
@click.option("--viewer", required=True, metavar="ID", help="Whom the token names.")
@click.option(
    "--role",
    type=click.Choice(TOKEN_ROLES),
    default=Role.VIEWER.value,
    show_default=True,
    help="What the bearer may do: a creator pins in own shows, a moderator where named, an operator everywhere.",
)
@click.option(
    "--expires-s",
    type=click.IntRange(1, EXPIRES_S_MAX),
    default=_DAY_S,
    show_default=True,
    help="Seconds that the token lasts.",
)
def token(settings: Settings, viewer: str, role: str, expires_s: int) -> None:
    """Mint a token and print it, and nothing else, on stdout.

    It is signed with the server's secret: --jwt-secret, or the development secret of the data directory, which is
    made when missing. Where tokens are signed by another algorithm than HS256, only their issuer can mint them.
    """
    click.echo(mint(resolve_secret(settings), settings, viewer, role, expires_s))
