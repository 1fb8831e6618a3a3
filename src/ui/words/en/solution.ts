/** @file Words of a worked solution's parts, its steps and its final answer, wherever a row is shown. */

export const solution = {
  steps: "steps",
  final: "final answer",
  stepsWeighed: "steps · w = {{weight}}",
  finalWeighed: "final answer · 1 − w = {{weight}}",
  show: "Steps and final answer",
  handle: "Where the final answer begins",
  before: "before {{text}}",
  afterAll: "after the answer: all is steps",
  byHand: "Marked by hand: the row keeps it as final_start.",
  byText: "Found by ####, </think> or Final answer. Click a token, drag the bar, or move it with the arrow keys.",
  back: "As the text says",
  embedded: "The embedded rows stay as they are: save them as JSONL and import that to mark them.",
  failed: "The mark could not be kept",
};
