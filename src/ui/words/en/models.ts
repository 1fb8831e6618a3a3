/** @file Words of the Models page. */

export const models = {
  title: "Models",
  embedded:
    "Ships with the studio and needs no download. It reads grade-school word problems and knows its sums, but does not work through several steps by itself: that is what there is to teach.",
  architecture: "Architecture",
  llama: "Llama decoder: RMSNorm, RoPE, grouped-query attention, SwiGLU",
  width: "{{width}} ({{inner}} in the feed-forward)",
  heads: "{{heads}} query, {{shared}} key-value, {{size}} wide",
  tokens_one: "{{count, number}} token",
  tokens_other: "{{count, number}} tokens",
  bpe: "Byte-level pieces, digits single",
  ends: "Output matrix",
  tied: "shared with the embedding",
  untied: "its own",
  size: "Size",
  half: "{{size}} as shipped",
  licence: "Licence",
};
