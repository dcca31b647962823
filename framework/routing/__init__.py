"""Routes: file names with brackets as URL patterns, matching paths and building them."""
