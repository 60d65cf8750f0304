"""Asks a server everything that its description allows and much that it does not, with schemathesis: no request may make
it fail, and every answer has to be one that `/openapi.json` describes.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install schemathesis==4.32.0
    /tmp/venv/bin/python tools/server/described.py target/debug/trine [SECONDS]

The script starts the server itself, on a free port, with a copy of the embedded model that has a chat template. One check
of schemathesis is left out, `positive_data_acceptance`: fields that are right by themselves may not go together, and
texts may be no grammars, which a description of fields cannot say. So are the paths of Ollama's API that have to do with
other models: their 501 would count as a fault.
"""

import pathlib
import subprocess
import sys
import tempfile

from serving import check, run, start, stop, with_template

TEMPLATE = (
    "{% if tools %}<tool_call>{% for tool in tools %} {{ tool.function.name }}{% endfor %}\n{% endif %}"
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)

ABSENT = "^/api/(pull|push|create|copy|delete|embed|embeddings|blobs)"


def main():
    seconds = sys.argv[2] if len(sys.argv) > 2 else "60"
    st = pathlib.Path(sys.executable).parent / "st"
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(sys.argv[1], with_template(folder, TEMPLATE), "--ollama", "--id", "stories", "--max-wait",
                                "600", "--max-tokens", "16", "--request-timeout", "5")
        command = [st, "run", f"{address}/openapi.json", "--max-time", seconds, "--phases", "coverage,fuzzing",
                   "--exclude-checks", "positive_data_acceptance", "--exclude-path-regex", ABSENT, "--seed", "1", "--warnings", "off", "--no-color"]
        ended = subprocess.run(command, cwd=folder, check=False)
        check("schemathesis finds nothing", ended.returncode == 0)
        check("the server is there", server.poll() is None)
        stop(server)


run(main, "")
