"""Moves to framework.builder."""
from framework.builder.run import build
from framework.errors import BuildError
