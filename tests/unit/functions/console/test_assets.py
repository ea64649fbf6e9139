import gzip
import hashlib
import json
import re

import pytest

from functions.console.assets import FOLDER, assets
from tests.unit.functions.console.scene import Scene

MAX_FIRST_PAGE = 150_000
MAX_STYLE_SHEET = 14_000


def test_assets_are_kept_for_a_year_under_a_name_with_their_hash() -> None:
    style = assets()["console.css"]
    answer = Scene().get(f"/assets/{style.name}", as_=None)
    assert re.fullmatch(r"console\.[0-9a-f]{12}\.css", style.name)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    ["console.css", "console.000000000000.css", "assets.json", "..%2Fapp.py", "../app.py", "%2e%2e/app.py"],
)
def test_nothing_but_the_assets_is_served(name: str) -> None:
    assert Scene().get(f"/assets/{name}", as_=None).status in {303, 404}


def test_files_of_others_are_those_of_their_packages() -> None:
    for entry in json.loads((FOLDER / "assets.json").read_text()):
        assert hashlib.sha256((FOLDER / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
        assert entry["package"]
        assert entry["version"]
        assert entry["licence"]


def test_every_file_in_the_folder_is_an_asset() -> None:
    assert {path.name for path in FOLDER.iterdir()} - {"assets.json"} == set(assets())


def test_first_page_and_style_sheet_are_small() -> None:
    sizes = {name: len(gzip.compress(asset.text.encode())) for name, asset in assets().items()}
    page = Scene().get("/").html
    assert sizes["console.css"] < MAX_STYLE_SHEET
    assert sum(sizes.values()) + len(gzip.compress(page.encode())) < MAX_FIRST_PAGE


def test_assets_need_nothing_from_another_host_and_no_inline_code() -> None:
    style = assets()["console.css"].text
    assert "url(" not in style
    assert "@import" not in style
    assert "eval(" not in assets()["console.js"].text
