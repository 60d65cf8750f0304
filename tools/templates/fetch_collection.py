#!/usr/bin/env python3
"""Fetches llama.cpp's collection of chat templates into models/templates, from the sources that the npm package
node-llama-cpp carries as a git bundle:

    python3 tools/templates/fetch_collection.py

With `--expect` it also writes tests/fixtures/chat/llama_cpp.json: the digest of each template, and of what HF
transformers makes of it for each conversation. That needs the PyPI packages transformers and jinja2.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path

PACKAGE = "node-llama-cpp@3.22.1"
BUNDLE = "package/llama/gitRelease.bundle"
ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "models" / "templates"
FIXTURE = ROOT / "tests" / "fixtures" / "chat" / "llama_cpp.json"


def fetch():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=work, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(work).glob("*.tgz"))) as package:
            package.extract(BUNDLE, work, filter="data")
        subprocess.run(["git", "clone", "--quiet", f"{work}/{BUNDLE}", f"{work}/sources"], check=True)
        for template in sorted(Path(f"{work}/sources/models/templates").glob("*.jinja")):
            (FOLDER / template.name).write_bytes(template.read_bytes())


def digest(data):
    return hashlib.sha256(data).hexdigest()


def expect():
    from make_probes import SPECIAL, TALKS, TOOLS, render
    today = lambda form: datetime(2024, 2, 5).strftime(form)  # noqa: E731
    collection = {}
    for path in sorted(FOLDER.glob("*.jinja")):
        source = path.read_bytes()
        cases = []
        for talk in ("one", "turns", "signs", "thinking", "tools", "parts"):
            for tools in (None, TOOLS) if talk in ("one", "tools") else (None,):
                text = render(source.decode(), {"messages": TALKS[talk], "add_generation_prompt": True, "tools": tools,
                                                "documents": None, "strftime_now": today, **SPECIAL})
                text = text if isinstance(text, dict) else digest(text.encode())
                cases.append({"talk": talk, "tools": tools is not None, "text": text})
        collection[path.name] = {"source": digest(source), "cases": cases}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in collection.items())
    FIXTURE.write_text("{\n" + lines + "\n}\n")
    refused = sum(isinstance(case["text"], dict) for entry in collection.values() for case in entry["cases"])
    print(len(collection), "templates,", refused, "cases refused")


if __name__ == "__main__":
    fetch()
    if "--expect" in sys.argv[1:]:
        expect()
