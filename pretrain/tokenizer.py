"""Trains the embedded tokenizer: byte-level BPE with single digits, written as Hugging Face writes it."""

import json
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

EOS = "<|endoftext|>"


def texts(corpus, data, limit):
    """Pretraining documents, and the training rows so that the words of solutions are tokens too."""
    with open(corpus) as file:
        for index, line in enumerate(file):
            if index >= limit:
                break
            yield json.loads(line)
    with open(data) as file:
        for line in file:
            row = json.loads(line)
            yield f"Question: {row['question']}\nAnswer: {row['answer']}"


def main():
    corpus, data, folder, vocab = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=[EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(corpus, data, 60000), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=EOS,
        eos_token=EOS,
        pad_token=EOS,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )
    fast.save_pretrained(folder)
    rows = [json.loads(line) for line in open(data)]
    prompts = [len(fast.encode(f"Question: {r['question']}\nAnswer:")) for r in rows]
    answers = [len(fast.encode(f" {r['answer']}")) + 1 for r in rows]
    total = [a + b for a, b in zip(prompts, answers)]
    mean = lambda values: round(sum(values) / len(values), 1)
    print(json.dumps({"vocab": len(fast), "prompt": mean(prompts), "answer": mean(answers), "max": max(total)}))


main()
