"""`dropcast import`: a Shopify product export becomes the catalogue's products, all of them or none."""

import asyncio
import sys
from pathlib import Path

import click

from dropcast.cli.options import ENGINE_OPTIONS, settings_command
from dropcast.domain.shopify import ParsedCatalogue, parse
from dropcast.settings import Settings
from dropcast.supervisor import open_engine


@settings_command("import", ENGINE_OPTIONS)
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True, path_type=Path)
)
@click.option(
    "--currency",
    required=True,
    metavar="CODE",
    help="What the prices are in, as in EUR: the file does not say.",
)
def import_(settings: Settings, file: Path, currency: str) -> None:
    """Import products from a Shopify product export.

    FILE may be - for stdin. Products are added, or replaced by handle. What is odd but harmless is a warning; anything
    else is an error by line and column, and then nothing is changed. A running server need not be stopped.
    """
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    parsed = parse(raw, currency=currency)
    for warning in parsed.warnings:
        click.echo(f"Warning: {warning}", err=True)
    asyncio.run(_put(settings, parsed))
    variants = sum(len(product.variants) for product in parsed.products)
    click.echo(
        f"Imported {_count(len(parsed.products), 'product')} with {_count(variants, 'variant')}, "
        f"{_count(len(parsed.warnings), 'warning')}."
    )


async def _put(settings: Settings, parsed: ParsedCatalogue) -> None:
    async with open_engine(settings) as engine:
        await engine.products.put(parsed.products)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
