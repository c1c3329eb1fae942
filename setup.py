"""What the package is stands in pyproject.toml; here pip refuses where it cannot work."""

import sys

if sys.platform == "win32":
    raise SystemExit("KeySync Shell needs Linux, macOS or WSL: Windows lacks the file locks that its promises rest on.")

from setuptools import setup

setup()
