"""Build a site to a folder of static files."""
