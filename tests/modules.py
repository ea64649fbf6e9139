"""The product's modules (the functions' and the shared package's) by import name."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

PATHS: Final = {
    ".".join(path.relative_to(folder).with_suffix("").parts): path
    for folder, package in ((ROOT, "functions"), (ROOT / "layers" / "lytics_sendgrid", "lytics_sendgrid"))
    for path in sorted((folder / package).rglob("*.py"))
    if path.name != "__init__.py"
}
"""Files by import name."""

NAMES: Final = {path: name for name, path in PATHS.items()}
"""Import names by file."""
