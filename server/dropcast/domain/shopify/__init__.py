"""The import of a Shopify product export."""

from dropcast.domain.shopify.export import ParsedCatalogue, parse
from dropcast.domain.shopify.findings import CatalogueError, Problem

__all__ = ["CatalogueError", "ParsedCatalogue", "Problem", "parse"]
