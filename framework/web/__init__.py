"""The web-standard objects: HTTP only, nothing about sites."""
