/** @file The field's words and the one sentence each that answers "why?"; a formula where it helps. */

type Explained = { word: string; why: string; formula?: string };

export const terms = {
  loss: {
    word: "Loss",
    why: "How surprised the model is by the right next token, on average: 0 would be certainty, ln(vocabulary) is guessing.",
    formula: "−mean log p(token)",
  },
} satisfies Record<string, Explained>;
