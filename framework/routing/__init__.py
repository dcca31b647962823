"""File names with brackets as URL patterns: parsing, matching and building paths."""
