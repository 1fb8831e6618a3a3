"""Writes src/data/golden/preferences.json: implicit preference rows as TRL's own extract_prompt takes them apart.

Run it with `python interop/preferenceGoldens.py`; it needs TRL (1.13 wrote what is committed).
"""

import json
from pathlib import Path

from trl import extract_prompt

OUT = Path(__file__).parent.parent / "src" / "data" / "golden" / "preferences.json"


def turns(*contents):
    return [{"role": "assistant" if i % 2 else "user", "content": content} for i, content in enumerate(contents)]


SYSTEM = {"role": "system", "content": "Be brief."}
CASES = {
    "one question": (turns("What colour is the sky?", "It is blue."), turns("What colour is the sky?", "It is green.")),
    "a system message": ([SYSTEM, *turns("Why?", "Because.")], [SYSTEM, *turns("Why?", "No idea.")]),
    "a longer talk": (
        turns("Hi", "Hello!", "And 2+2?", "4"),
        turns("Hi", "Hello!", "And 2+2?", "5"),
    ),
    "answers that begin alike": (turns("Sum?", "It is 4."), turns("Sum?", "It is 5.")),
    "an answer that begins the other": (turns("Sum?", "4, for sure."), turns("Sum?", "4")),
    "texts": ("The sky is blue.", "The sky is green."),
    "a transcript": (
        "\n\nHuman: How are you?\n\nAssistant: Fine, thanks.",
        "\n\nHuman: How are you?\n\nAssistant: Who asks?",
    ),
    "a transcript of two questions": (
        "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: 2+2?\n\nAssistant: 4",
        "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: 2+2?\n\nAssistant: Five",
    ),
    "lines": ("Name a colour.\nred", "Name a colour.\nblue"),
    "Chinese": ("天空是什么颜色？蓝色", "天空是什么颜色？绿色"),
}

golden = {
    name: {"row": {"chosen": chosen, "rejected": rejected}, "explicit": extract_prompt({"chosen": chosen, "rejected": rejected})}
    for name, (chosen, rejected) in CASES.items()
}
OUT.write_text(json.dumps(golden, ensure_ascii=False, indent=2) + "\n")
