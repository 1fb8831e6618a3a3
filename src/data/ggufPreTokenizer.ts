/**
 * @file How a GGUF file's byte-level tokenizer cuts text into words, by the name the file has for it.
 *
 * Sources: llama.cpp, src/llama-vocab.cpp (names, and the patterns each stands for), and the pre_tokenizer of the models'
 * own tokenizer.json, whose patterns these are.
 */

type PreTokenizer = Record<string, unknown>;
type Kind = {
  preTokenizer: PreTokenizer;
  normalizer?: PreTokenizer;
  /** A word that is a token itself is never merged out of smaller ones. */
  ignoreMerges?: boolean;
  /** Whether a beginning-of-text token is put first where the file does not say. */
  addBos?: boolean;
};

const byteLevel = (usesRegex: boolean): PreTokenizer => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: usesRegex,
});
const sequence = (...pretokenizers: PreTokenizer[]): PreTokenizer => ({ type: "Sequence", pretokenizers });
const split = (pattern: string): PreTokenizer => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Isolated",
  invert: false,
});
const splits = (...patterns: string[]) => sequence(...patterns.map(split), byteLevel(false));

const gpt2Pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`;
const endings = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const spaces = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
/** GPT-4's pattern and those made of it: how many digits stand together, and what else a word may be made of. */
const gpt4 = (digits: string) =>
  `${endings}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
const upper = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const lower = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const cased = (ending: string, digits: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${ending}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${ending}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;
const deepseek = String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${"`"}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|`;
const bloom = String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`;

const threeDigits = String.raw`\p{N}{1,3}`;
const oneDigit = String.raw`\p{N}`;
const nfc = { type: "NFC" };

const gpt2: Kind = { preTokenizer: byteLevel(true) };
const digitsApart: Kind = { preTokenizer: sequence({ type: "Digits", individual_digits: true }, byteLevel(true)) };
const llama3: Kind = { preTokenizer: splits(gpt4(threeDigits)) };
const qwen2: Kind = { preTokenizer: splits(gpt4(oneDigit)) };
const gpt4o: Kind = { preTokenizer: splits(cased(`${endings}?`, threeDigits)) };
const fallback: Kind = {
  preTokenizer: splits(String.raw`[\p{P}\$\+<=>\^\~\|]+`, gpt2Pattern, String.raw`\p{N}+`, "[0-9][0-9][0-9]"),
};

const kinds: [names: string, kind: Kind][] = [
  ["default", fallback],
  ["gpt-2 phi-2 mpt olmo jais trillion granite-docling mellum exaone4 modern-bert", gpt2],
  ["smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", digitsApart],
  ["llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral lfm2", { ...llama3, ignoreMerges: true, addBos: true }],
  ["dbrx smaug-bpe glm4 chatglm-bpe", llama3],
  ["qwen2 deepseek-r1-qwen", { ...qwen2, normalizer: nfc }],
  ["stablelm2 hunyuan megrez grok-2 solar-open", qwen2],
  [
    "qwen35",
    {
      preTokenizer: splits(
        `${endings}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|${oneDigit}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${spaces}`,
      ),
      normalizer: nfc,
    },
  ],
  ["tekken", { preTokenizer: splits(cased("", oneDigit)), ignoreMerges: true, addBos: true }],
  ["gpt-4o llama4 kanana2 minimax-m2", gpt4o],
  [
    "deepseek-coder",
    { preTokenizer: splits("[\r\n]", String.raw`\s?\p{L}+`, String.raw`\s?\p{P}+`, "[一-龥ࠀ-一가-퟿]+", oneDigit) },
  ],
  ["deepseek-v3 hunyuan-dense", { preTokenizer: splits(threeDigits, "[一-龥぀-ゟ゠-ヿ]+", `${deepseek}${spaces}`) }],
  ["falcon", { preTokenizer: splits(String.raw`[\p{P}\$\+<=>\^~\|${"`"}]+`, gpt2Pattern, "[0-9][0-9][0-9]") }],
  ["bloom poro-chat gpt3-finnish", { preTokenizer: splits(bloom) }],
  ["viking", { preTokenizer: splits(bloom, oneDigit) }],
];

/** By `tokenizer.ggml.pre`; a file without it is cut as llama.cpp cuts it, which is not how its model was trained. */
export const ggufPreTokenizers: ReadonlyMap<string, Kind> = new Map(
  kinds.flatMap(([names, kind]) => names.split(" ").map((name) => [name, kind] as const)),
);
