"""Who may look after the shop?"""

import os

from werkzeug.security import check_password_hash, generate_password_hash

NAME = "ada"
DEMO_PASSWORD = "quiet-desk"  # noqa: S105 - a demonstration says it to everyone

# Set ADMIN_PASSWORD where strangers should not look after your shop.
PASSWORD = os.environ.get("ADMIN_PASSWORD", DEMO_PASSWORD)
IS_DEMO = PASSWORD == DEMO_PASSWORD

_HASH = generate_password_hash(PASSWORD)


def is_user(name: str, password: str) -> bool:
    """Whether somebody has that name and password. It takes as long with a wrong name."""
    return check_password_hash(_HASH, password) and name == NAME
