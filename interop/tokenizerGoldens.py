"""Writes src/data/golden/tokenizers.json: what the tokenizers library makes of other people's texts, as hashes.

Run it with `python interop/tokenizerGoldens.py`; it reads ../shared (or ANNEAL_SHARED).
"""

import hashlib
import json
import os
import struct
from pathlib import Path

from gguf import GGUFReader
from tokenizers import Tokenizer
from transformers import AutoTokenizer

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("ANNEAL_SHARED", ROOT.parent / "shared"))
OUT = ROOT / "src" / "data" / "golden"

NASTY = [
    "", " ", "  ", "   ", "\n", "\n\n\n", "\r\n", "\r\r\n\n", "\t", "\t\t \t", " \n \n ", "a ", " a", "  a  b   c    d",
    "trailing   ", "\u00a0\u00a0x", "\u3000全角\u3000空白", "\u2028\u2029\u200b\u200d\ufeff\u00ad", "\u0000", "a\u0000b",
    "".join(chr(i) for i in range(32)), "".join(chr(i) for i in range(127, 161)), "\x1b[31mred\x1b[0m",
    "def f(x):\n\treturn x ** 2  # café\n\nif __name__ == '__main__':\n    print(f(3))\r\n",
    "for (let i = 0; i < n; i++) { a[i] += `${b}` ?? c?.d; } // TODO: 100%\n/* x */",
    '{"a": [1, 2.5e-3, null, true], "b\\n": "\\u00e9"}', "<div class=\"x\">&nbsp;&amp;</div>", "SELECT * FROM t WHERE a<>'b';--",
    "\\frac{1}{2}\\cdot\\sqrt{x^2+y^2}=\\sum_{i=0}^{n} a_i", "<<48/2=24>>24 $1,234.56 −3 ×2 ÷4 ≈ ½ ¾ ² ³ ₂ ⅷ Ⅷ ① ㊿ 〇",
    "0123456789" * 20, "1 22 333 4444 55555 666666 7777777", "3.14159 1,000,000 1e-10 0x1F 12:30 2024-01-31 +1-800-555-0199",
    "٠١٢٣٤٥٦٧٨٩ १२३४५ ๑๒๓ 一二三四五六七八九十 ꯱꯲", "don't can't I'M YOU'RE he'll we'd it's they've 'Tis ‘quoted’ 's 'S 'ſ 'LL 'vE 'K",
    "Ünïcödé ŝtřïņğ ÀÉÎÕÜ ßẞ ŒœÆæ Øø Łł Đđ İıIi ŉ", "é e\u0301 ñ n\u0303 ệ e\u0323\u0302 Å Å Å ﬁ ﬂ Ａ Ⅳ ℃ ㎏ ｶﾞ ガ",
    "a\u0300\u0301\u0302\u0303\u0304\u0305 Z͑ͫ̓a̴l̷g̸o̶", "\u0301alone \u0e33\u0e49 กำ ไทย ภาษาไทย", "हिन्दी में संख्या क्षत्रिय ज्ञान தமிழ் తెలుగు বাংলা",
    "العربية مرحبا بالعالم ١٢٣ لا إله", "עברית שלום עולם שָׁלוֹם", "\u202eRTL override\u202c \u2067iso\u2069 abc עברית 123",
    "你好，世界！数学题：小明有3个苹果。", "日本語のテキスト、カタカナとひらがな。ー々〆", "한국어 텍스트 ᄒ\u1161\u11ab 각", "ქართული Հայերեն ελληνικά Русский ѣ Ћ",
    "🎉🎊", "👩‍👩‍👧‍👦 👨🏽‍🚀 🏳️‍🌈 🇩🇪🇫🇷 1️⃣ ❤️ ☺︎ 👍🏿", "😀😃😄😁😆😅😂🤣" * 10, "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙𝟚 𠮷野家 𐍈 𒀀 𓀀 🜁", "\U0010ffff\ue000\ufffd\ufffe",
    "<|endoftext|>", "a<|endoftext|>b <|endoftext|> c", "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "<s>x</s> y <unk> z <s>",
    "<|user|>\nhello<|end|>\n<|assistant|>\n", "</s>  after", "<|end|>\n\n next", "x<|im_end|>  y", "<|im_start", "|im_start|>", "<|endoftext|><|endoftext|>",
    "<think>\nwhy\n</think>\n\nbecause", "<tool_call>\n{}\n</tool_call>", "<0x0A><0xE4>", "▁ ▁▁ a▁b", "Ġ Ċ ĉ Ġthe", "<｜User｜>你<｜Assistant｜>", "[INST] x [/INST]",
    "a" * 10_000, " " * 1_000, "\n" * 300, "=" * 77, "-" * 13 + "+" + "-" * 8, "ab" * 500, "あ" * 200, "Aa" * 100 + "1" * 50, "." * 100, "?!?!?!…",
    "THE QUICK BROWN FOX", "iPhone McDonald eBay JSONParser snake_case camelCase kebab-case SCREAMING_CASE x1y2z3",
    "https://example.com/a/b?c=d&e=%20f#g user@example.org C:\\Users\\me\\file.txt ~/.bashrc", "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "\"double\" 'single' “curly” ‘curly’ «guillemets» „low“ ‹x›", "a,b;c:d.e!f?g(h)i[j]k{l}m<n>o/p\\q|r@s#t$u%v^w&x*y-z_=+`~", "mixed英文and中文with数字123和emoji🎉！",
]  # fmt: skip


def read(file, keys):
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield from (row[key] for key in keys if isinstance(row.get(key), str))


def texts_of_files():
    data = SHARED / "data"
    return {
        "gsm8k/train.jsonl": list(read(data / "gsm8k" / "train.jsonl", ["question", "answer"])),
        "gsm8k/test.jsonl": list(read(data / "gsm8k" / "test.jsonl", ["question", "answer"])),
        "cmath/cmath_dev.jsonl": list(read(data / "cmath" / "cmath_dev.jsonl", ["input"])),
        "nasty": NASTY,
    }


def score_merges(vocabulary, scores):
    """llama2.c's encode (run.c): letters or their bytes, then the best-scored pair again and again."""
    ids = {token: i for i, token in enumerate(vocabulary)}

    def encode(text):
        tokens = []
        for letter in " " + text if text else "":
            known = ids.get(letter.replace(" ", "▁"))
            tokens += [known] if known is not None else [ids[f"<0x{byte:02X}>"] for byte in letter.encode()]
        while True:
            pairs = [(ids.get(vocabulary[a] + vocabulary[b]), at) for at, (a, b) in enumerate(zip(tokens, tokens[1:]))]
            pairs = [(-scores[made], at, made) for made, at in pairs if made is not None]
            if not pairs:
                return tokens
            _, at, made = min(pairs)
            tokens[at : at + 2] = [made]

    return encode


def golden(encode, files):
    out = {}
    for name, texts in files.items():
        digest, count, first = hashlib.sha256(), 0, []
        for i, text in enumerate(texts):
            ids = encode(text)
            count += len(ids)
            digest.update(struct.pack(f"<{len(ids) + 1}I", *ids, 0xFFFFFFFF))
            if i < 3 or (name == "nasty" and len(ids) < 40):
                first.append([i, ids])
        out[name] = {"texts": len(texts), "tokens": count, "sha256": digest.hexdigest(), "first": first}
    return out


def main():
    folder = SHARED / "tokenizers"
    files = texts_of_files()
    said = {}
    for name, file in {
        "smollm2-135m-instruct": folder / "smollm2-135m-instruct" / "tokenizer.json",
        "gpt2-hf-pretty": folder / "gpt2-hf-pretty" / "tokenizer.json",
        "phi3": folder / "phi3" / "tokenizer.json",
        "embedded": ROOT / "public" / "embedded" / "tokenizer.json",
    }.items():
        theirs = Tokenizer.from_file(str(file))
        theirs.no_truncation()  # gpt2's file has its trainer's, which is none of the tokenizer's
        theirs.no_padding()
        said[name] = golden(lambda text: theirs.encode(text, add_special_tokens=False).ids, files)
    qwen = AutoTokenizer.from_pretrained(folder / "qwen2.5").backend_tokenizer
    said["qwen2.5"] = golden(lambda text: qwen.encode(text, add_special_tokens=False).ids, files)
    fields = GGUFReader(SHARED / "models" / "stories260K" / "stories260K-f32.gguf").fields
    stories = score_merges(fields["tokenizer.ggml.tokens"].contents(), fields["tokenizer.ggml.scores"].contents())
    # Special tokens are not known to run.c, and it takes the square of a text's length.
    few = {name: [text for text in texts if len(text) < 400 and "<" not in text] for name, texts in files.items()}
    few = {name: texts[:200] for name, texts in few.items()}
    said["stories260K"] = golden(stories, few)
    OUT.mkdir(exist_ok=True)
    (OUT / "nasty.json").write_text(json.dumps(NASTY, indent=0) + "\n")
    (OUT / "tokenizers.json").write_text(json.dumps(said, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
