"""Asks a server as the `openai` package of npm does, and compares what comes back with what that package promises.

    npm install --prefix /tmp/node openai@6.49.0
    python3 tools/server/node.py target/debug/trine /tmp/node

The script starts the server itself, on a free port, with a copy of the embedded model that has a chat template, and then
`client.mjs`.
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


def main():
    client = pathlib.Path(__file__).resolve().parent / "client.mjs"
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(sys.argv[1], with_template(folder, TEMPLATE))
        ended = subprocess.run(["node", client, address], cwd=sys.argv[2], check=False)
        check("the package of npm finds what it expects", ended.returncode == 0)
        stop(server)


run(main, "")
