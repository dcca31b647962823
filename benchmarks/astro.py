"""Astro, as in its documentation: its builds, and a site that its Node adapter serves."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

_NODE, _OLDEST_NODE = 24, (22, 12)
_PACKAGES = {"astro": 7, "@astrojs/node": 11}
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


def install(folder: Path) -> tuple[str, str]:
    """Install Astro below a folder, and Node if the installed one is too old.

    Return the path of Node, and the versions as text. Raises `OSError` or
    `subprocess.SubprocessError`.
    """
    modules = folder / "node_modules"
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    shipped = f"node-{sys.platform}-{machine}"
    packages = [f"{name}@{major}" for name, major in _PACKAGES.items()]
    node = shutil.which("node") or ""
    if not node or _node_version(node) < _OLDEST_NODE:
        node = str(modules / shipped / "bin" / "node")
        packages.append(f"{shipped}@{_NODE}")
    if not all((modules / package.rpartition("@")[0]).exists() for package in packages):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run(["npm", "install", *options, *packages], folder)
    manifests = [(modules / name / "package.json").read_text() for name in _PACKAGES]
    astro, adapter = (json.loads(text)["version"] for text in manifests)
    numbers = ".".join(map(str, _node_version(node)))
    return node, f"Astro {astro} and its Node adapter {adapter} on Node {numbers}"


def build_command(folder: Path, node: str) -> list[str]:
    """Return the command that builds a site with the Astro that is installed below a folder."""
    return [node, str(folder / "node_modules" / "astro" / "bin" / "astro.mjs"), "build"]


def build_server(folder: Path) -> tuple[list[str], str]:
    """Install Astro, build a site of three routes, and return the command that serves it.

    The environment variables HOST and PORT are the address of the server. The second value is the
    text of the versions. Raises as `install` does.
    """
    node, versions = install(folder)
    site = folder / "server"
    for name, text in _FILES.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _run(build_command(folder, node), site)
    return [node, str(site / "dist" / "server" / "entry.mjs")], versions


def _node_version(node: str) -> tuple[int, ...]:
    text = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    return tuple(int(part) for part in text.strip().removeprefix("v").split("."))


def _run(command: list[str], folder: Path) -> None:
    environment = os.environ | {"ASTRO_TELEMETRY_DISABLED": "1"}
    subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, timeout=600
    )
