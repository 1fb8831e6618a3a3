"""Writes the ids of every row and of odd texts, for checkTokenizer.mjs: python pretrain/checkTokenizer.py FOLDER IDS.jsonl"""

import json
import sys

from transformers import PreTrainedTokenizerFast

folder, out = sys.argv[1], sys.argv[2]
tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
ODD = ["", " ", "\n\n", "Ann 🎈 has 3½ pens — naïve?", "小明有12本书，给了小红5本。", "a\tb\r\n  c", "👩‍👩‍👧‍👦 ١٢٣", "x" * 300, "it's we'll I'd", "\u0000\u0007", "1234567890 1,234.50"]
with open(out, "w") as file:
    for text in ODD:
        file.write(json.dumps({"text": text, "ids": tokenizer.encode(text, add_special_tokens=False)}) + "\n")
    for name in ["train", "heldout", "unseen"]:
        for line in open(f"{folder}/{name}.jsonl"):
            row = json.loads(line)
            text = f"Question: {row['question']}\nAnswer: {row['answer']}"
            file.write(json.dumps({"text": text, "ids": tokenizer.encode(text, add_special_tokens=False)}) + "\n")
