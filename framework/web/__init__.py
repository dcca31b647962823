"""The web-standard objects. They know HTTP and nothing of sites."""
