"""The user who may manage the shop."""

import os

from werkzeug.security import check_password_hash, generate_password_hash

NAME = "ada"
DEMO_PASSWORD = "quiet-desk"  # noqa: S105 - the login page shows it

# Set ADMIN_PASSWORD to your own password if strangers can reach your shop.
PASSWORD = os.environ.get("ADMIN_PASSWORD", DEMO_PASSWORD)
IS_DEMO = PASSWORD == DEMO_PASSWORD

_HASH = generate_password_hash(PASSWORD)


def is_user(name: str, password: str) -> bool:
    """Whether name and password are right. A wrong name takes as long as a wrong password."""
    return check_password_hash(_HASH, password) and name == NAME
