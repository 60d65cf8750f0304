#!/usr/bin/env python3
"""Writes tests/fixtures/chat/probes.json: templates of a line or two, one for each thing that chat templates do, and what
HF transformers makes of them, byte for byte. `"error"` stands where it refuses.

Needs the PyPI packages transformers and jinja2 (5.24.0 and 3.1.6 wrote the file):

    python3 tools/templates/make_probes.py
"""

import json
import logging
from pathlib import Path

import jinja2
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

FIXTURE = Path(__file__).resolve().parent.parent.parent / "tests" / "fixtures" / "chat" / "probes.json"

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "The weather <now> & 'here', \"there\"; é",
        "parameters": {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "a city\nwith / slash \\ and \t tab"},
            "days": {"type": "integer", "default": 3, "minimum": 0.5, "maximum": 1e20},
            "units": {"enum": ["C", "F", None, True, False]}}}}},
    {"type": "function", "function": {"name": "stop", "description": "", "parameters": {}}},
]

CALLS = [{"id": "abc123", "type": "function", "function": {
    "name": "get_weather", "arguments": {"city": "Zürich", "days": 2, "deep": {"z": [1, 2.0, -0.0], "a": None}}}}]

# The conversations that probes name.
TALKS = {
    "one": [{"role": "user", "content": "What is 2 + 2?"}],
    "turns": [{"role": "system", "content": "  Be brief.\n"}, {"role": "user", "content": "Hi"},
              {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "\n Bye  \n"}],
    "signs": [{"role": "user", "content": "a <b> & 'c' \"d\" é / \\ \n end\t{{ x }} {% y %} \u2028 \x7f \x1b 🦙"}],
    "path": [{"role": "user", "content": "one|two|three||Four five  SIX"}],
    "thinking": [{"role": "user", "content": "q"},
                 {"role": "assistant", "content": "<think>\nhm\n</think>\n\nfour", "reasoning_content": "because"},
                 {"role": "user", "content": "again"}],
    "tools": [{"role": "user", "content": "weather?"}, {"role": "assistant", "content": "", "tool_calls": CALLS},
              {"role": "tool", "tool_call_id": "abc123", "name": "get_weather", "content": "{\"t\": 20}"},
              {"role": "assistant", "content": "20 degrees"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "see "}, {"type": "image"},
                                           {"type": "text", "text": "this"}]}],
    "wide": [{"role": "user", "content": "Straße ǅ ŉ İı ﬁ 你好 e\u0301 ٣Ⅷ½²"}],
    "lines": [{"role": "user", "content": "a\nb\r\nc\rd\x0be\x0cf\x1cg\x85h\u2028i\n\nj\n"}],
    "spaces": [{"role": "user", "content": "\u3000\xa0 \t\x1f\x0b a \x85\u2003\n"}],
    "empty": [],
}

C = "messages[0].content"

# (conversation, template, more variables)
PROBES = [
    # The ways in which templates mark turns.
    ("turns", "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] | trim }}{{ eos_token }}{% endfor %}"),
    ("turns", "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
              "message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}"
              "{{ '<|im_start|>assistant\\n' }}{% endif %}"),
    ("turns", "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set s = "
              "messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set s = false %}{% endif %}"
              "{% for m in loop_messages %}{% if loop.index0 == 0 and s is not false %}{% set c = '<<SYS>>\\n' + s + "
              "'\\n<</SYS>>\\n\\n' + m.content %}{% else %}{% set c = m.content %}{% endif %}{% if m.role == 'user' %}"
              "{{ bos_token + '[INST] ' + c.strip() + ' [/INST]' }}{% else %}{{ ' ' + c.strip() + ' ' + eos_token }}"
              "{% endif %}{% endfor %}"),
    ("turns", "{% for m in messages %}{% generation %}{{ m.content }}{% set x = 1 %}{% endgeneration %}"
              "{{ x is defined }}{% endfor %}"),
    ("turns", "{%- for m in messages -%}\n  {%- generation -%}\n {{ m.role }} \n{%- endgeneration -%}\n{%- endfor -%}"),
    ("turns", "{{ '{% generation %}' }}{% raw %}{% generation %}{% endgeneration %}{% endraw %}{# {% generation %} #}"),
    ("turns", "{% for m in messages %}\n    {% if m.role == 'user' %}\n  u\n    {% else %}\n  o\n    {% endif %}\n"
              "{% endfor %}\n"),
    ("turns", "{{ pad_token }}{{ unk_token }}{{ bos_token }}{{ eos_token }}{{ sep_token is defined }}"),
    ("turns", "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}"
              "{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.cycle('a', 'b', 'c') }}"
              "{{ loop.previtem.role }}{{ loop.nextitem.role }}{{ loop.changed(m.role) }};{% endfor %}"),
    ("turns", "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m.content }}{% else %}none{% endfor %}"),
    ("empty", "{% for m in messages %}{{ m }}{% else %}none{% endfor %}{{ messages | length }}"),
    ("turns", "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% if loop.index == 3 %}"
              "{% break %}{% endif %}{% endfor %}"),
    ("turns", "{% set ns = namespace(found=false, n=0) %}{% for m in messages %}{% if m.role == 'assistant' %}"
              "{% set ns.found = true %}{% endif %}{% set ns.n = ns.n + loop.index %}{% endfor %}"
              "{{ ns.found }}{{ ns.n }}"),
    ("turns", "{% set x = 1 %}{% for m in messages %}{% set x = x + 1 %}{% endfor %}{{ x }}"),
    ("turns", "{% set ns = namespace(last=-1) %}{% for m in messages[::-1] %}{% set i = (messages|length - 1) - "
              "loop.index0 %}{% if ns.last < 0 and m.role == 'user' %}{% set ns.last = i %}{% endif %}{% endfor %}"
              "{{ ns.last }}"),
    ("turns", "{% if messages[1].role != 'assistant' %}{{ raise_exception('Roles must alternate: ' + "
              "messages[1].role) }}{% endif %}"),
    ("turns", "{{ messages[0].missing }}|{{ missing }}|{{ messages[0].get('missing') }}|{{ messages[0].get('x', 'y') }}"),
    ("turns", "{{ missing.attribute }}"),
    ("turns", "{{ messages[9] }}{{ messages[9].role }}"),
    ("turns", "{{ missing + 'x' }}"),
    ("turns", "{{ messages[0]['content'] + 1 }}"),
    ("turns", "{{ messages[-1].content | upper }}{{ messages[-2:] | map(attribute='role') | join(',') }}"),
    ("turns", "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }}"),
    ("turns", "{{ messages | rejectattr('role', 'in', ['user', 'system']) | list | length }}"
              "{{ (messages | selectattr('role', '==', 'user') | list | last).content }}"),
    ("turns", "{{ (messages | groupby('role') | list)[1].grouper }}"),
    ("turns", "{% for role, group in messages | groupby('role') %}{{ role }}{{ group | length }};{% endfor %}"),
    # Values as text.
    ("turns", "{{ messages }}"),
    ("turns", "{{ messages[0] | string }}{{ messages[0].keys() | list }}{{ messages[0].items() | list }}"
              "{{ messages[0].values() | list }}"),
    ("signs", "{{ [messages[0].content, \"it's\", 'say \"hi\"', 'both \\' \"'] }}"),
    ("signs", "{{ messages[0] }}"),
    ("one", "{{ [true, false, none, 1, -1, 1.0, 1.5, 1e20, 1e16, 1e15, 1e-5, 0.1, 123456789012345678901234567890] }}"),
    ("one", "{{ true }}{{ none }}{{ 1 == 1.0 }}{{ 3 / 2 }}{{ 4 / 2 }}{{ 7 // 2 }}{{ -7 // 2 }}{{ 7 % 3 }}{{ -7 % 3 }}"
            "{{ 2 ** 10 }}{{ 2 ** 0.5 }}{{ 2 ** -1 }}{{ 7.5 // 2 }}{{ 7.5 % 2 }}"),
    ("one", "{{ (1, 2) }}{{ (1,) }}{{ () }}{{ {'b': 1, 'a': [1, (2, 3)]} }}{{ {} }}{{ [] }}{{ {1: 'x', none: 2} }}"),
    ("one", "{{ 'a' * 3 }}{{ [1] * 2 }}{{ [1] + [2] }}{{ (1,) + (2,) }}{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ ['x'] }}"),
    ("one", "{{ 1 < 2 < 3 }}{{ 1 < 2 > 3 }}{{ 'a' < 'b' }}{{ [1, 2] < [1, 3] }}{{ 'a' in 'abc' }}{{ 1 in [1] }}"
            "{{ 'role' in messages[0] }}{{ 'x' not in 'abc' }}"),
    ("one", "{{ 'x' if false }}|{{ 'x' if true else 'y' }}|{{ not 1 }}|{{ none or 'd' }}|{{ '' and 'x' }}|{{ 0 or [] }}"),
    ("one", "{{ 1 == 'a' }}{{ 1 != 'a' }}{{ 'b' > 'a' }}{{ 'é' > 'z' }}"),
    ("one", "{{ 'a' 'b' }}{{ \"\\u00e9\\n\\x41\\t\\\\\" }}{{ 1_000 }}{{ 0x1f }}{{ 0b11 }}{{ 0o17 }}"),
    ("one", "{{ range(3) | list }}{{ range(1, 8, 3) | list }}{{ range(5, 0, -2) | list }}{{ range(3) | length }}"),
    ("one", "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set a, b = b, a %}{{ a }}{{ b }}{% for k, v in {'x': 1}.items() %}"
            "{{ k }}={{ v }}{% endfor %}{% for k in {'x': 1, 'a': 2} %}{{ k }}{% endfor %}"),
    ("path", f"{{{{ {C}[0] }}}}{{{{ {C}[-1] }}}}{{{{ {C}[1:4] }}}}{{{{ {C}[::-1] }}}}{{{{ {C}[::2] }}}}{{{{ {C}[-3:] }}}}"
             f"{{{{ {C}[100:] }}}}"),
    ("one", "{{ [1, 2, 3, 4][1:3] }}{{ [1, 2, 3][::-1] }}{{ (1, 2, 3)[:2] }}{{ [1, 2, 3][-2:] }}"),
    # JSON.
    ("signs", f"{{{{ {C} | tojson }}}}"),
    ("signs", f"{{{{ {C} | tojson(ensure_ascii=True) }}}}{{{{ {C} | tojson(ensure_ascii=False) }}}}"),
    ("tools", "{{ tools | tojson }}"),
    ("tools", "{{ tools | tojson(indent=4) }}"),
    ("tools", "{{ tools | tojson(indent=2, separators=(',', ': ')) }}"),
    ("tools", "{{ tools | tojson(separators=(',', ':')) }}"),
    ("tools", "{{ tools | tojson(sort_keys=True) }}{{ tools | tojson(indent='\\t') }}{{ tools | tojson(indent=0) }}"),
    ("tools", "{{ tools[0] | tojson(true) }}{{ tools[1] | tojson(false, 2) }}{{ [] | tojson(indent=2) }}"),
    ("tools", "{% for t in tools %}{{ t.function | tojson }}{{ '\\n' }}{% endfor %}"),
    ("tools", "{% for m in messages %}{% if m.tool_calls %}{% for c in m.tool_calls %}<tool_call>\n"
              "{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n</tool_call>"
              "{% endfor %}{% else %}{{ m.role }}: {{ m.content }}{% endif %}\n{% endfor %}"),
    ("tools", "{% for m in messages %}{% if m['tool_calls'] is defined and m['tool_calls'] is not none %}"
              "{% for c in m['tool_calls'] %}{{ c['id'] }}{{ c['function'] }}{% endfor %}{% endif %}{% endfor %}"),
    ("tools", "{% for k, v in tools[0].function.parameters.properties | items %}{{ k }}: {{ v }};{% endfor %}"),
    ("tools", "{% for k, v in tools[0].function.parameters.properties | dictsort %}{{ k }}: {{ v.type }};{% endfor %}"),
    ("tools", "{% for k, v in {'B': 1, 'a': 3, 'C': 2} | dictsort(by='value', reverse=true) %}{{ k }}{{ v }}{% endfor %}"
              "{% for k, v in {'B': 1, 'a': 3, 'C': 2} | dictsort(case_sensitive=true) %}{{ k }}{{ v }}{% endfor %}"),
    ("tools", "{{ tools is defined and tools }}{{ tools is iterable }}{{ tools is sequence }}{{ tools[0] is mapping }}"),
    ("one", "{{ tools is defined }}{{ tools is none }}{{ tools is iterable }}{{ documents }}{% if tools %}x{% endif %}"),
    ("one", "{{ {'a': 1, 2: 'b', none: 1, true: 2, 1.5: 3} | tojson }}{{ (1, 2) | tojson }}{{ 1e20 | tojson }}"),
    ("one", "{{ 'é\\x7f\\u2028\\x00\\x1b\\b\\f🦙' | tojson }}{{ 'é\\x7f\\u2028🦙' | tojson(ensure_ascii=True) }}"),
    ("one", "{{ undefined_thing | tojson }}"),
    # Python's methods of strings.
    ("path", f"{{{{ {C}.split('|') }}}}{{{{ {C}.split('|', 1) }}}}{{{{ {C}.split() }}}}{{{{ {C}.split(none, 1) }}}}"),
    ("path", f"{{{{ {C}.rsplit('|') }}}}{{{{ {C}.rsplit('|', 1) }}}}{{{{ {C}.rsplit() }}}}{{{{ {C}.rsplit(none, 1) }}}}"
             f"{{{{ {C}.rsplit('|', maxsplit=2)[-1] }}}}{{{{ {C}.split(sep='|', maxsplit=2) }}}}"),
    ("path", "{{ ''.split() }}{{ ''.split('x') }}{{ '  a  b '.split(' ') }}{{ 'aXbXc'.rsplit('X', 0) }}"),
    ("path", "{{ 'a'.split('') }}"),
    ("path", f"{{{{ {C}.partition('|') }}}}{{{{ {C}.rpartition('|') }}}}{{{{ {C}.partition('no') }}}}"),
    ("path", f"{{{{ {C}.removeprefix('one|').removesuffix('SIX') }}}}{{{{ {C}.removeprefix('x') }}}}"),
    ("path", f"{{{{ {C}.index('two') }}}}{{{{ {C}.rindex('|') }}}}{{{{ {C}.find('zz') }}}}{{{{ {C}.find('|', 4) }}}}"
             f"{{{{ {C}.find('|', 4, 6) }}}}{{{{ {C}.rfind('|', 0, 5) }}}}{{{{ {C}.count('|') }}}}{{{{ {C}.count('') }}}}"),
    ("path", f"{{{{ {C}.index('zz') }}}}"),
    ("path", "{{ '42'.zfill(5) }}{{ '-42'.zfill(5) }}{{ '+4'.zfill(1) }}{{ 'é'.ljust(4, '*') }}{{ 'é'.rjust(4) }}"
             "{{ 'ab'.center(5, '-') }}{{ 'abc'.center(6) }}{{ 'a'.center(4, '.') }}"),
    ("path", f"{{{{ {C}.startswith('one') }}}}{{{{ {C}.startswith(('x', 'one')) }}}}{{{{ {C}.endswith('six') }}}}"
             f"{{{{ {C}.startswith('two', 4) }}}}{{{{ {C}.endswith(('SIX',)) }}}}"),
    ("path", f"{{{{ {C}.replace('|', '') }}}}{{{{ {C}.replace('|', '/', 1) }}}}{{{{ 'aaa'.replace('', '-') }}}}"),
    ("path", f"{{{{ {C}.upper() }}}}{{{{ {C}.lower() }}}}{{{{ {C}.title() }}}}{{{{ {C}.capitalize() }}}}"
             f"{{{{ {C}.swapcase() }}}}{{{{ {C}.casefold() }}}}"),
    ("wide", f"{{{{ {C}.upper() }}}}{{{{ {C}.lower() }}}}{{{{ {C}.capitalize() }}}}{{{{ {C}.casefold() }}}}"
             f"{{{{ {C} | length }}}}{{{{ {C}[2:6] }}}}"),
    ("wide", "{{ \"they're bill's\".title() }}{{ 'hello wOrld-foo' | title }}{{ 'hELLO wORLD' | capitalize }}"),
    ("one", "{{ 'abc'.isalpha() }}{{ 'ab1'.isalnum() }}{{ '12'.isdigit() }}{{ '½'.isnumeric() }}{{ '½'.isdigit() }}"
            "{{ '²'.isdigit() }}{{ '²'.isdecimal() }}{{ ' '.isspace() }}{{ 'Ab'.istitle() }}{{ 'A1'.isupper() }}"
            "{{ '1'.islower() }}{{ 'a_1'.isidentifier() }}{{ 'é'.isascii() }}{{ ''.isalpha() }}"),
    ("lines", f"{{{{ {C}.splitlines() }}}}{{{{ {C}.splitlines(true) }}}}{{{{ {C}.splitlines(keepends=True) }}}}"),
    ("spaces", f"[{{{{ {C}.strip() }}}}][{{{{ {C}.lstrip() }}}}][{{{{ {C}.rstrip() }}}}][{{{{ {C} | trim }}}}]"
               f"{{{{ {C}.split() }}}}{{{{ {C}.isspace() }}}}"),
    ("path", "{{ 'xxabxx'.strip('x') }}{{ 'xyab'.lstrip('yx') }}{{ 'abxy'.rstrip('xy') }}{{ '\\n a \\n' | trim('\\n') }}"),
    ("path", "{{ ', '.join(['a', 'b']) }}{{ ''.join('abc') }}{{ '-'.join(messages[0].keys()) }}"),
    ("path", "{{ 'a\\tb'.expandtabs(4) }}{{ 'a\nb\tc'.expandtabs() }}"),
    ("path", "{{ '{} {1}'.format(1, 2) }}"),
    ("path", "{{ '{0} {1} {0}'.format('a', 'b') }}{{ '{x}-{y:>5}|{z:.2f}'.format(x=1, y='e', z=3.14159) }}"
             "{{ '{:05d} {:,}'.format(42, 1234567) }}"),
    ("path", "{{ 'abc'.nothing() }}"),
    # Python's formatting.
    ("path", "{{ 'a %s b %s' % ('x', 1) }}{{ '%d%%' % 5 }}{{ '%s' % none }}{{ '%5.2f|%-5s|%05d' % (3.14159, 'ab', 42) }}"),
    ("path", "{{ '%(a)s-%(b)5s' % {'a': 1, 'b': 'q'} }}{{ '%x %X %o %c %e %g' % (255, 255, 8, 'z', 12345.678, 0.0001) }}"),
    ("path", "{{ '%s' % ['a'] }}{{ '%s and %s' | format('x', 2) }}{{ '%(k)s' | format(k='v') }}"),
    ("path", "{{ '%s %s' % 'x' }}"),
    ("path", "{% set fmt = 'turn %d' %}{% for m in [1, 2] %}{{ fmt % m }}{{ m % 2 }}{% endfor %}"),
    # Methods of dictionaries and lists.
    ("one", "{% set d = {'b': 1, 'a': 2} %}{{ d.get('b') }}{{ d.get('c', 3) }}{{ d.keys() | list }}{{ d['a'] }}{{ d.b }}"
            "{{ d.items() | list }}{{ 'b' in d }}{{ d | length }}{{ d.copy() }}"),
    ("one", "{{ [1, 2, 1].count(1) }}{{ [1, 2, 1].index(2) }}{{ (1, 2).index(2) }}{{ [3, 1].copy() }}"),
    ("one", "{% set x = [] %}{% set _ = x.append(1) %}{{ x }}"),
    ("one", "{% set d = {} %}{% set _ = d.update({'a': 1}) %}{{ d }}"),
    ("one", "{{ dict(a=1, b='x') }}{{ dict({'z': 1}, y=2) }}"),
    ("one", "{% set ns = namespace(a=1) %}{{ ns.a }}{{ ns['a'] }}{% set ns.b = [1] %}{{ ns.b }}{{ ns.c is defined }}"),
    # Filters.
    ("path", f"{{{{ {C} | wordcount }}}}{{{{ {C} | length }}}}{{{{ {C} | reverse }}}}{{{{ {C} | first }}}}{{{{ {C} | last }}}}"
             f"{{{{ {C} | count }}}}"),
    ("one", "{{ [3, 1, 2] | sort }}{{ ['b', 'A', 'c'] | sort }}{{ ['b', 'A'] | sort(case_sensitive=true) }}"
            "{{ [1, 2] | sort(reverse=true) }}{{ [{'a': 2}, {'a': 1}] | sort(attribute='a') }}"),
    ("one", "{{ [1, 2, 3] | sum }}{{ [{'a': 2}, {'a': 1}] | sum(attribute='a') }}{{ [1] | sum(start=5) }}"
            "{{ [1, 3, 2] | max }}{{ [1, 3, 2] | min }}{{ [1, 2, 3] | first }}{{ [1, 2, 3] | last }}"),
    ("one", "{{ [1, 2, 3, 4, 5] | batch(2) | list }}{{ [1, 2, 3] | batch(2, 'x') | list }}"
            "{{ [1, 2, 3, 4, 5] | slice(2) | list }}{{ [1, 2, 3] | slice(2, 'x') | list }}"),
    ("one", "{{ ['a', 'B', 'A', 'a'] | unique | list }}{{ ['a', 'A'] | unique(case_sensitive=true) | list }}"),
    ("one", "{{ [1, 2, 3] | select('odd') | list }}{{ [1, 2, 3] | reject('odd') | list }}{{ [0, 1, ''] | select | list }}"
            "{{ [1, 2, 3] | map('string') | join('+') }}{{ ['a', 'b'] | map('upper') | list }}"),
    ("one", "{{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }}{{ [{'a': {'b': 1}}] | map(attribute='a.b') | list }}"
            "{{ ['x y', 'z'] | map('replace', 'x', 'w') | list }}"),
    ("one", "{{ [1, 2] | join }}{{ [1, 2] | join(', ') }}{{ [{'a': 1}, {'a': 2}] | join('|', attribute='a') }}"
            "{{ 'abc' | join('-') }}"),
    ("one", "{{ missing | default('d') }}{{ '' | default('d') }}{{ '' | default('d', true) }}{{ none | d('x', true) }}"),
    ("lines", f"{{{{ {C} | indent }}}}{{{{ {C} | indent(2, true) }}}}{{{{ {C} | indent('>', first=true, blank=true) }}}}"),
    ("path", f"{{{{ {C} | replace('|', '') }}}}{{{{ {C} | replace('|', '/', 1) }}}}{{{{ {C} | upper }}}}{{{{ {C} | lower }}}}"),
    ("path", f"{{{{ {C} | truncate(12) }}}}{{{{ {C} | truncate(12, true) }}}}{{{{ {C} | truncate(9, true, '..', 0) }}}}"
             "{{ 'foo bar baz qux' | truncate(11) }}{{ 'short' | truncate(9) }}"),
    ("path", "{{ 'the quick brown fox jumps over the lazy dog' | wordwrap(15) }}|"
             "{{ 'averyveryverylongword and more' | wordwrap(10) }}|{{ 'averyveryverylongword b' | wordwrap(10, false) }}|"
             "{{ 'a b\\nc d' | wordwrap(3, wrapstring='/') }}"),
    ("signs", f"{{{{ {C} | urlencode }}}}{{{{ {{'a': 'c&d', 'e': 1}} | urlencode }}}}"),
    ("signs", f"{{{{ {C} | escape }}}}{{{{ '<a>' | e }}}}{{{{ '<a>' | safe }}}}{{{{ '<a>&lt;' | forceescape }}}}"),
    ("one", "{{ '<p>a <b>b</b>\\n c</p><!-- x -->' | striptags }}{{ 'a' | center(5) }}|{{ 'é' | center(4) }}|"),
    ("one", "{{ 3.7 | int }}{{ '42' | int }}{{ 'x' | int(7) }}{{ '0x1f' | int(base=16) }}{{ '3.5' | float }}"
            "{{ 'y' | float }}{{ 2.5 | round }}{{ 2.675 | round(2) }}{{ 2.1 | round(method='ceil') }}"
            "{{ 42.55 | round(1, 'floor') }}{{ -3 | abs }}{{ 3 | float }}"),
    ("one", "{{ 1024 | filesizeformat }}{{ 123456789 | filesizeformat }}{{ 1 | filesizeformat }}"
            "{{ 123456789 | filesizeformat(true) }}"),
    ("one", "{{ 1 | string }}{{ [1] | string }}{{ 'abc' | list }}{{ {'a': 1} | list }}{{ (1, 2) | list }}{{ 1.0 | string }}"),
    ("one", "{{ {'a': 1} | items | list }}{{ {'a': [1]} | length }}{{ {'b': 1, 'a': 2} | first }}"),
    ("one", "{{ {'a': 1} | items | list }}{{ [[1, 2], [3]] | map('sum') | list }}"),
    ("one", "{% filter upper %}a{{ 'b' }}{% endfilter %}{% set x | trim | upper %} block {% endset %}[{{ x }}]"
            "{% set y %}a\n{% endset %}{{ y | length }}"),
    ("one", "{{ 5 | nosuchfilter }}"),
    # Attributes, tables and defaults by name.
    ("one", "{{ {'a': 1, 'b': none, 'c': '<x>', 'd': missing, 'é': [1, '<']} | xmlattr }}|{{ {} | xmlattr }}|"
            "<ul{{ {'a': '\"q\"', 'b': true} | xmlattr(false) }}>{{ {'a': '<b>' | safe} | xmlattr(autospace=true) }}"),
    ("one", "{{ {'a b': 1} | xmlattr }}"),
    ("one", "{{ {'a=b': 1} | xmlattr }}"),
    ("one", "{{ {1: 2} | xmlattr }}"),
    ("one", "{{ [1] | xmlattr }}"),
    ("one", "{{ {'b': 1, 'A': 2} | dictsort }}{{ {'b': 1, 'A': 2} | dictsort(true) }}{{ {'b': 1, 'A': 2} | "
            "dictsort(false, 'value') }}{{ {'b': 1, 'A': 2} | dictsort(by='value', reverse=true) }}"),
    ("one", "{{ {'b': 1} | dictsort(by='x') }}"),
    ("one", "{{ [1, 2, 3] | batch(2, fill_with=0) | list }}{{ [1, 2, 3] | slice(slices=2, fill_with=0) | list }}"
            "{{ 'abc' | center(width=9) }}|"),
    ("one", "{{ none | default('a') }}{{ false | default('a', boolean=true) }}{{ missing | default(default_value='b') }}"
            "{{ missing | default(none) }}{{ '' | d(none, true) }}{{ missing | default }}|"),
    ("one", "{{ [1, '2', 'x', none, 3.9, -3.9, true] | map('int') | list }}{{ '3.9' | int }}{{ '' | int(5) }}"
            "{{ 'ff' | int(0, 16) }}{{ '0xFF' | int(base=16) }}{{ '0b11' | int(0, 2) }}{{ '0b11' | int(9) }}"
            "{{ '0o17' | int(0, 0) }}{{ ' 7 ' | int }}{{ '1_000' | int }}{{ '1__0' | int(9) }}{{ '_1' | int(9) }}"
            "{{ '-5' | int }}{{ '+5' | int }}{{ '--5' | int(9) }}{{ '1e3' | int }}{{ [] | int(9) }}"),
    ("one", "{{ 'inf' | float }}{{ 'nan' | float }}{{ '1_0.5' | float }}{{ none | float }}{{ true | float }}"
            "{{ '1e3' | float }}{{ ' 2 ' | float }}{{ 'x' | float(default=1.5) }}{{ [] | float(2) }}{{ 7 | float }}"),
    ("one", "{{ 'abc'.count('b', 1) }}{{ 'aaa'.count('aa') }}{{ 'abcabc'.count('a', 1, 3) }}{{ 'abc'.count('c', -1) }}"
            "{{ [1, 2, 1].index(1, 1) }}{{ [1, 2, 1].index(1, -2) }}{{ 'abc'.isprintable() }}{{ 'a\\nb'.isprintable() }}"
            "{{ ''.isprintable() }}{{ 'a\u00adb é🦙'.isprintable() }}{{ 'é 🦙'.isprintable() }}"),
    ("one", "{{ [1, 2, 1].index(2, 0, 1) }}"),
    ("one", "{{ 'aΣ'.casefold() }}{{ 'ẞßı'.casefold() }}{{ 'ǰϐﬀſ\u0345İ'.casefold() }}{{ 'Ꭰꭰᏸ'.casefold() }}"),
    ("one", "{% macro f(x) %}{{ x }}{% endmacro %}{{ f is callable }}{{ f('a') is callable }}{{ {} is callable }}"),
    ("one", "{{ cycler() }}"),
    ("one", "{{ '%r %r' % ('a', [1]) }}{{ '%c%5s%-5s|%+d%i%u' % ('a', 'b', 'c', 1, 2, 3) }}{{ '%*d|%-*d|' % (5, 3, 4, 1) }}"
            "{{ '%d' % 3.7 }}{{ '%d' % -3.7 }}{{ '%ld' % 3 }}{{ '%s' % 3.0 }}{{ '%f' % 1 }}{{ '%.2e' % 12345.678 }}"
            "{{ '%G' % 1e-10 }}{{ '%.3s|%#x|% d|%%' % ('abcdef', 255, 5) }}{{ '%s' % {'a': 1} }}{{ 'a' % {'a': 1} }}"
            "{{ 'a' % [1] }}{{ 'a' % () }}{{ '%d' % true }}"),
    ("one", "{{ '%s' % (1, 2) }}"),
    ("one", "{{ 'a' % 1 }}"),
    ("one", "{{ '%s%s' % {'a': 1} }}"),
    ("one", "{{ '%s' % () }}"),
    ("one", "{{ '%(a)s' % 5 }}"),
    ("one", "{{ '%(b)s' % {'a': 1} }}"),
    ("one", "{{ '%' % () }}"),
    ("one", "{{ '%s' | format(1, 2) }}"),
    ("one", "{{ '%(a)s-%(b)d' | format(a=1, b=2) }}{{ '%s-%s' | format('x', [1]) }}{{ 5 | format }}"),
    # Order, and what is within what.
    ("one", "{{ 1 < 'a' }}"),
    ("one", "{{ messages[0].content < 2 }}"),
    ("one", "{{ none < 1 }}"),
    ("one", "{{ missing > 1 }}"),
    ("one", "{{ {} < {} }}"),
    ("one", "{{ [1, 2] < (1, 3) }}"),
    ("one", "{{ [1, 'a'] < [1, 2] }}"),
    ("one", "{{ 1 < 2 < 'a' }}"),
    ("one", "{{ (1) >= ('a' 'b') }}"),
    ("one", "{{ -1 <= -(['a'] | length) <= none }}"),
    ("one", "{{ 1 is lt 'a' }}"),
    ("one", "{{ [1, 'a'] | select('>', 1) | list }}"),
    ("one", "{{ 1 in 'abc' }}"),
    ("one", "{{ none not in messages[0].content }}"),
    ("one", "{{ 1 is in 'abc' }}"),
    ("one", "{{ 'a' in 5 }}"),
    ("one", "{{ 1 in 'abc' == true }}"),
    ("one", "{{ true < 2 }}{{ 1.5 >= true }}{{ [1, 'a'] < [2, 3] }}{{ (1, 2) < (1, 3) }}{{ [] < [1] }}{{ [[1], 2] > [[1]] }}"
            "{{ 1 == 'a' == 2 }}{{ 'a' in 'abc' < 'b' }}{{ 'a' in ['a'] == false }}{{ 2 in [1, 2] }}{{ 'x' in missing }}"
            "{{ 'b' is gt 'a' }}{{ 1 is in [1] }}{{ 'role' is in messages[0] }}{{ -1 < -(1) }}{{ 'a' 'b' < 'a' 'c' }}"
            "{{ 3 > 2 >= 2 > 1 }}{{ 3 > 2 != 2 < 'a' }}{% for a, b in [(1, 2)] %}{{ a < b }}{% endfor %}"
            "{{ 'x' if false and 1 < 'a' else 'y' }}{% if false %}{{ 1 < 'a' }}{% endif %}{{ (1, 2) in [(1, 2)] }}"),
    # Tests.
    ("one", "{{ 1 is odd }}{{ 2 is even }}{{ 9 is divisibleby 3 }}{{ 1 is number }}{{ true is boolean }}{{ 1 is integer }}"
            "{{ 1.0 is float }}{{ 'a' is string }}{{ [] is sequence }}{{ {} is mapping }}{{ 'a' is iterable }}"
            "{{ none is none }}{{ x is undefined }}{{ 1 is sameas 1 }}{{ 'a' is lower }}{{ 'A' is upper }}"
            "{{ 1 is in [1, 2] }}{{ 1 is eq 1 }}{{ 2 is gt 1 }}{{ 'x' is not defined }}{{ true is true }}{{ 1 is true }}"
            "{{ false is false }}{{ raise_exception is callable }}{{ 'a' is callable }}{{ true is number }}"
            "{{ true is integer }}{{ 'upper' is filter }}{{ 'odd' is test }}{{ {} is sequence }}{{ 'a' is sequence }}"),
    ("parts", f"{{% if {C} is string %}}s{{% else %}}{{% for p in {C} %}}{{% if p.type == 'text' %}}{{{{ p.text }}}}"
              "{% elif p['type'] == 'image' %}<image>{% endif %}{% endfor %}{% endif %}"),
    ("parts", f"{{{{ {C} is iterable and {C} is not string }}}}{{{{ {C} | map(attribute='text') | select('defined') | "
              "join }}"),
    # Macros.
    ("turns", "{% macro turn(m, end='!') %}<{{ m.role }}>{{ m.content }}{{ end }}{% endmacro %}"
              "{% for m in messages %}{{ turn(m) }}{{ turn(m, end='?') }}{% endfor %}"),
    ("one", "{% macro f(a, b) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, 3, 4, k=5) }}{{ f(1) }}"),
    ("one", "{% macro f() %}{% for x in varargs %}{{ x }}-{% endfor %}{% endmacro %}{{ f('a', 'b') }}{{ f() }}"),
    ("one", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}"),
    ("one", "{% macro f(a) %}{{ a }}{{ caller('x') }}{% endmacro %}{% call(y) f(1) %}[{{ y }}]{% endcall %}"),
    ("one", "{% macro f(a=[]) %}{{ a }}{% endmacro %}{{ f.name }}"),
    ("one", "{% macro rec(n) %}{{ n }}{% if n > 0 %}{{ rec(n - 1) }}{% endif %}{% endmacro %}{{ rec(5) }}"),
    ("tools", "{%- macro render(v, k) -%}{%- if v is mapping -%}{%- for a, b in v.items() -%}{{ k }}.{{ render(b, a) }};"
              "{%- endfor -%}{%- elif v is string -%}'{{ v }}'{%- else -%}{{ v }}{%- endif -%}{%- endmacro -%}"
              "{{ render(tools[0], 'r') }}"),
    ("one", "{% for x in [[1, [2]], [3]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{{ loop.depth }}"
            "{% endif %}{% endfor %}"),
    # Helpers of Jinja2.
    ("turns", "{% set j = joiner(', ') %}{% for m in messages %}{{ j() }}{{ m.role }}{% endfor %}"),
    ("turns", "{% set c = cycler('a', 'b') %}{% for m in messages %}{{ c.next() }}{% endfor %}{{ c.current }}"
              "{% set _ = c.reset() %}{{ c.next() }}"),
    ("one", "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}{% with %}{% set q = 1 %}{% endwith %}"
            "{{ q is defined }}"),
    ("one", "{% if false %}{% elif 1 > 2 %}{% else %}e{% endif %}{% set x = 'a' if 1 else 'b' %}{{ x }}"
            "{% if x == 'a' and not (x == 'b' or x in ['c']) %}y{% endif %}"),
    ("one", "{% block b %}x{% endblock %}{{ self.b() }}"),
    ("one", "{% include 'x' %}"),
    ("one", "{% autoescape true %}{{ '<' }}{% endautoescape %}"),
    ("one", "{{ strftime_now('%Y') | length }}{{ strftime_now('%d %b %Y') | length }}"),
    ("one", "{%+ if true +%}\n x\n  {%+ endif %}\n{{ 'a' -}}  \n {{- 'b' }}  {#- c -#}  d"),
    ("one", "a\n{# comment #}\nb\n{{ 'x' }}\nc\n  {% set a = 1 %}  \nd\n\n"),
    # Attribute or item, names of methods as keys.
    ("one", "{% set d = {'items': 1, 'get': 2, 'keys': [3]} %}{{ d['items'] }}{{ d['get'] }}{{ d['keys'][0] }}"),
    ("one", "{{ 'abc'.__class__ }}"),
    ("one", "{% set x %}{{ messages[0].content }}{% endset %}{{ x | trim | length }}{{ x ~ 1.5 ~ [1.0] }}"),
    ("one", "{% set ns = namespace() %}{% set ns._x = 1 %}"),
    ("one", "{{ ('a', 'b') == ['a', 'b'] }}{{ [1] == [1] }}{{ {'a': 1} == {'a': 1.0} }}{{ '1' == 1 }}{{ none == false }}"
            "{{ missing == none }}{{ missing is none }}{{ not missing }}"),
    # Thinking.
    ("thinking", "{% for m in messages %}{% if '</think>' in m.content %}{{ m.content.split('</think>')[0].rstrip('\\n')"
                 ".split('<think>')[-1].lstrip('\\n') }}|{{ m.content.split('</think>')[-1].lstrip('\\n') }}{% else %}"
                 "{{ m.content }}{% endif %}{% endfor %}{% if enable_thinking is defined and enable_thinking is false %}"
                 "<think>\n\n</think>\n\n{% endif %}", {"enable_thinking": False}),
    ("thinking", "{% for m in messages %}{% if m.reasoning_content is string %}<think>{{ m.reasoning_content }}</think>"
                 "{% endif %}{{ m.content }}{% endfor %}{{ enable_thinking is defined }}"),
    ("thinking", "{% set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}"
                 "{% for message in messages[::-1] %}{% set index = (messages|length - 1) - loop.index0 %}"
                 "{% if ns.multi_step_tool and message.role == 'user' and message.content is string and not("
                 "message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}"
                 "{% set ns.multi_step_tool = false %}{% set ns.last_query_index = index %}{% endif %}{% endfor %}"
                 "{{ ns.last_query_index }}"),
    ("one", "{{ reasoning_effort | default('medium') }}{{ list | map('x') if false }}{{ budget // 512 * 512 }}",
     {"reasoning_effort": "high", "budget": 1300}),
    ("one", "{% for d in documents %}{{ d.title }}: {{ d['text'] }}\n{% endfor %}{{ documents | tojson }}",
     {"documents": [{"title": "A", "text": "x <y>"}, {"title": "B", "text": "z"}]}),
]


def render(template, variables):
    try:
        return _compile_jinja_template(template).render(**variables)
    except Exception as error:  # noqa: BLE001: whatever it is, the template is refused
        return {"error": f"{type(error).__name__}: {error}"[:200]}


def main():
    logging.disable(logging.WARNING)
    probes = []
    for talk, template, *more in PROBES:
        given = {"tools": TOOLS if talk == "tools" else None, "documents": None, **(more[0] if more else {})}
        text = render(template, {"messages": TALKS[talk], "add_generation_prompt": True, **SPECIAL, **given})
        probes.append({"talk": talk, "template": template, "more": more[0] if more else {}, "text": text})
    source = f"transformers {transformers.__version__}, Jinja2 {jinja2.__version__}"
    lines = lambda items: ",\n".join(json.dumps(item, ensure_ascii=True) for item in items)
    talks = ",\n".join(f"{json.dumps(name)}: {json.dumps(talk)}" for name, talk in TALKS.items())
    FIXTURE.write_text(f'{{"source": {json.dumps(source)},\n"tools": {json.dumps(TOOLS)},\n"talks": {{\n{talks}\n}},\n'
                       f'"probes": [\n{lines(probes)}\n]}}\n')
    refused = [probe for probe in probes if isinstance(probe["text"], dict)]
    print(len(probes), "probes,", len(refused), "refused")
    for probe in refused:
        print(" ", probe["text"]["error"][:90], "<-", probe["template"][:90])


if __name__ == "__main__":
    main()
