"""Writes src/data/golden/chatTemplates.json: conversations as transformers' own apply_chat_template renders them.

Run it with `python interop/templateGoldens.py`; it reads ../shared (or ANNEAL_SHARED).
"""

import json
import os
from datetime import datetime
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("ANNEAL_SHARED", ROOT.parent / "shared"))
OUT = ROOT / "src" / "data" / "golden"


def turns(*contents):
    return [{"role": "assistant" if i % 2 else "user", "content": content} for i, content in enumerate(contents)]


THOUGHT = "<think>\nNatalia sold 48/2 = 24 in May.\n</think>\n\nThe answer is 72."
CHATS = {
    "single": turns("How many clips?", "72"),
    "prompt": turns("How many clips?"),
    "multi": turns("Hi", "Hello!", "And 2+2?", "4", "Sure?", "Yes."),
    "asks": turns("Hi", "Hello!", "And 2+2?"),
    "system": [{"role": "system", "content": "Be brief."}, *turns("Hi", "Hello!")],
    "system twice": [{"role": "system", "content": "A"}, {"role": "system", "content": "B"}, *turns("Hi", "Hello!")],
    "unicode": turns("数学 👩‍👩‍👧‍👦 é e\u0301 \u202eabc\u202c\n\nline\r\n\ttab", "🎉 “ok” \\n {{ x }} {% raw %}"),
    "spaces": turns("  leading and trailing  ", "\n\n answer \n"),
    "empty": turns("", ""),
    "reasoning": turns("Why?", THOUGHT, "Again?", THOUGHT),
    "two users": [*turns("Hi"), *turns("there")],
    "assistant first": turns("a", "b")[1:],
    "strange role": [{"role": "critic", "content": "no"}],
}

EXTRA = {
    "filters": "{{ messages[0].content | trim | upper | tojson }} {{ messages | length }} {{ 3 / 2 }} {{ 7 // 2 }} {{ 2 ** 3 }}",
    "tojson": "{{ {'a': [1, 2.5, none, true, 'é<>&\\''], 'b': {}} | tojson }} {{ [] | tojson }} {{ {'a': 1, 'b': [1, 2]} | tojson(indent=2) }}",
    "loops": "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }} {% endfor %}{% for i in range(3) %}{{ i }}{% endfor %}",
    "blocks": "  {% if true %}\n    a\n  {% endif %}\n  b {%- if true -%}  c  {%- endif %}\n{# gone #}\nd\n",
    "scopes": "{% set ns = namespace(x=1) %}{% for m in messages %}{% set ns.x = ns.x + 1 %}{% set y = 2 %}{% endfor %}{{ ns.x }}{{ y is defined }}",
    "macros": "{% macro f(a, b='z') %}[{{ a }}{{ b }}]{% endmacro %}{{ f('x') }}{{ f('x', b='y') }}",
    "slices": "{{ messages[::-1] | map(attribute='role') | join(',') }} {{ 'abcdef'[1:4] }} {{ 'a,b'.split(',')[-1] }} {{ 'abc'.startswith('a') }}",
    "tests": "{{ none is none }} {{ x is defined }} {{ 'a' in 'abc' }} {{ 1 is number }} {{ messages is iterable }} {{ not false and (1 == 1) }}",
    "undefined": "{{ bos_token }}|{{ nothing }}|{{ tools is none }}|{{ documents is none }}",
    "dates": "{{ strftime_now('%Y') | length }} {{ strftime_now('%%') }}",
    "controls": "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "generation": "{% generation %}{{ messages[0].content }}{% endgeneration %}",
    "strips": "{{ 'xxabxx'.strip('x') }}|{{ 'xyab '.lstrip('yx') }}|{{ ' ab\\n\\n'.rstrip('\\n') }}|{{ ' a '.strip() }}|{{ ' a '.rstrip() }}|{{ '' .strip() }}|",
    "raises": "{{ raise_exception('no way') }}",
    "long range": "{{ range(100001) | length }}",
}  # fmt: skip


def list_templates():
    folder = SHARED / "tokenizers"
    for file in sorted((folder / "templates").glob("*.jinja")):
        yield file.name, file.read_text(encoding="utf-8"), "<BOS>", "<EOS>"
    for file in sorted(folder.glob("*/tokenizer_config.json")):
        config = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(config.get("chat_template"), str):
            text = [token["content"] if isinstance(token, dict) else token for token in (config["bos_token"], config["eos_token"])]
            yield file.parent.name, config["chat_template"], *text
    for name, template in EXTRA.items():
        yield f"extra: {name}", template, "<BOS>", "<EOS>"


def main():
    said = []
    for name, template, bos, eos in list_templates():
        tokens = {key: value for key, value in (("bos_token", bos), ("eos_token", eos)) if value is not None}
        rendered = {}
        for chat, messages in CHATS.items():
            for prompts in (False, True):
                try:
                    [text], _ = render_jinja_template([messages], chat_template=template, add_generation_prompt=prompts, **tokens)
                except Exception as error:
                    text = {"error": str(error)}
                rendered[f"{chat}{' +' if prompts else ''}"] = text
        kept = {key: text for key, text in rendered.items() if not name.startswith("extra") or key == "multi"}
        said.append({"name": name, "bos": bos, "eos": eos, "template": template if name.startswith("extra") else None, "rendered": kept})
    out = {"chats": CHATS, "templates": said}
    # The day's date is left open; the studio's test fills in its own.
    text = json.dumps(out, ensure_ascii=False, indent=1).replace(datetime.now().strftime("%d %b %Y"), "DATE")
    (OUT / "chatTemplates.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
