"""Files that are served as they are: those of `public/` and those that a build wrote."""
