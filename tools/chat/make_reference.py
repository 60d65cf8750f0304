#!/usr/bin/env python3
"""Writes tests/fixtures/chat/expected.json: what Jinja2, set up as HF transformers sets it up, makes of the templates.

Needs the PyPI package jinja2:

    python3 tools/chat/make_reference.py
"""

import json
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

FIXTURES = Path(__file__).resolve().parent.parent.parent / "tests" / "fixtures" / "chat"

CONVERSATIONS = [
    [("user", "What is 2 + 2?")],
    [("system", "  Be brief.\n"), ("user", "Hi"), ("assistant", "Hello!"), ("user", "\n Bye  \n")],
    [("user", "<b>\"quotes\" & 'more'</b>\t{{ not_a_variable }}"), ("assistant", "日本語 🦙 naïve\n\nnext"), ("user", "")],
    [("user", "one"), ("assistant", "<think>hm</think>\n\nskip no"), ("user", "skip this"), ("assistant", "four"),
     ("user", "five"), ("assistant", "six"), ("user", "seven")],
    [("assistant", "I begin"), ("user", "Then I")],
]


def environment():
    """The environment of `apply_chat_template`."""
    jinja = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    jinja.globals["raise_exception"] = raise_exception
    return jinja


def main():
    cases = []
    for path in sorted(FIXTURES.glob("*.jinja")):
        template = environment().from_string(path.read_text())
        for conversation in CONVERSATIONS:
            messages = [{"role": role, "content": content} for role, content in conversation]
            for add_generation_prompt in (False, True):
                try:
                    text = template.render(messages=messages, add_generation_prompt=add_generation_prompt, tools=None,
                                           documents=None, bos_token="<s>", eos_token="</s>")
                except jinja2.exceptions.TemplateError as error:
                    text = {"error": str(error)}
                cases.append({"template": path.name, "messages": conversation, "prompt": add_generation_prompt,
                              "text": text})
    source = f"Jinja2 {jinja2.__version__}"
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (FIXTURES / "expected.json").write_text(f'{{"source": {json.dumps(source)}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
