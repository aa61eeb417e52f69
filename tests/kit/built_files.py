"""A small web client as the build would write it, for tests of what is done with built files."""

import hashlib
import json
from pathlib import Path

SCRIPT = "console.log('chatd');\n" * 40
FILES = {
    "app/index.html": '<!doctype html><title>chatd</title><script src="main-ABCDEFG1.js"></script>',
    "app/embed.html": "<!doctype html><title>chatd</title>",
    "app/main-ABCDEFG1.js": SCRIPT,
    "app/embed.js": SCRIPT,
    "app/sw.js": SCRIPT,
    "app/app.webmanifest": '{"name":"chatd","short_name":"chatd","theme_color":"#2B5FDB","icons":[]}',
    "app/icons/icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "console/index.html": "<!doctype html><title>console</title>",
    "console/main-ABCDEFGH.js": "1",
}


def write_built(directory: Path, **changed: str | None) -> Path:
    """Write FILES with their manifest to a directory, and return it.

    `changed`: other contents than those of the manifest, by the stem of the name; None for no file.
    """
    digests = {name: hashlib.sha256(content.encode()).hexdigest() for name, content in FILES.items()}
    for name, content in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = changed.get(path.stem, content)
        if kept is not None:
            path.write_text(kept)
    manifest = {"version": "0123456789abcdef", "sources": "", "files": digests}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory
