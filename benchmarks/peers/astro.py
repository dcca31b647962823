"""Astro with its Node adapter, as in its documentation: for benchmarks/served.py only.

The first use installs it with npm, and Node if the installed one is too old.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

_NODE, _OLDEST_NODE = 24, (22, 12)
_PACKAGES = ["astro@7", "@astrojs/node@11"]
_FILES = {
    "package.json": '{"private": true, "type": "module"}',
    "astro.config.mjs": """
import node from "@astrojs/node";
import { defineConfig } from "astro/config";

export default defineConfig({ output: "server", adapter: node({ mode: "standalone" }) });
""",
    "src/pages/api/health.js": """
export const GET = () => Response.json({ status: "ok" });
""",
    "src/pages/products/[id].json.js": """
export const GET = ({ params }) => Response.json({ id: params.id });
""",
    "src/pages/api/echo.js": """
export const POST = async ({ request, url }) =>
  Response.json({ received: await request.json(), path: url.pathname });
""",
}


def build(folder: Path) -> list[str]:
    """Build the site and return the command that serves it.

    The environment variables HOST and PORT are its address. Raises `OSError` or
    `subprocess.SubprocessError` if Astro cannot be installed.
    """
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    shipped = f"node-{sys.platform}-{machine}"
    own = shutil.which("node")
    packages = _PACKAGES
    if own is None or _version(own) < _OLDEST_NODE:
        packages = [*_PACKAGES, f"{shipped}@{_NODE}"]
        own = str(folder / "node_modules" / shipped / "bin" / "node")
    if not (folder / "node_modules" / "astro").exists():
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run(["npm", "install", *options, *packages], folder)
    _run([own, "node_modules/astro/bin/astro.mjs", "build"], folder)
    return [own, str(folder / "dist" / "server" / "entry.mjs")]


def describe(folder: Path) -> str:
    """Return the versions that are installed."""
    texts = [
        (folder / "node_modules" / n / "package.json").read_text()
        for n in ("astro", "@astrojs/node")
    ]
    astro, adapter = (json.loads(text)["version"] for text in texts)
    return f"Astro {astro}, its Node adapter {adapter}"


def _version(node: str) -> tuple[int, ...]:
    text = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    return tuple(int(part) for part in text.strip().removeprefix("v").split("."))


def _run(command: list[str], folder: Path) -> None:
    environment = os.environ | {"ASTRO_TELEMETRY_DISABLED": "1"}
    subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, timeout=600
    )
