/** @file The field's words and the one sentence each that answers "why?"; a formula where it helps. */

export type Explained = { word: string; why: string; formula?: string };

export const terms = {
  loss: {
    word: "Loss",
    why: "How surprised the model is by the right next token, on average: 0 is certainty, ln(vocabulary) is guessing.",
    formula: "−mean log p(token)",
  },
  evalLoss: {
    word: "Evaluation loss",
    why: "The loss on rows the model never trains on. When it rises while the training loss falls, the model learns by heart.",
  },
  accuracy: {
    word: "Accuracy",
    why: "Share of held-out problems whose final answer is right. The band is one standard error: how far chance alone moves it.",
    formula: "√(p(1−p)/(n−1))",
  },
  strict: {
    word: "Strict",
    why: "The answer counts only where it stands after ####, as GSM8K writes it.",
  },
  flexible: {
    word: "Flexible",
    why: "The last number of the text counts as the answer, whatever its form.",
  },
  gradientNorm: {
    word: "Gradient norm",
    why: "The length of the step the data asks for, before clipping. Spikes tell of odd rows or too high a learning rate.",
  },
  tokensPerSecond: {
    word: "Tokens per second",
    why: "How much text is trained on each second, padding not counted.",
  },
  parameters: { word: "Parameters", why: "How many numbers the model is made of." },
  layers: {
    word: "Layers",
    why: "Blocks of attention and feed-forward that a token passes through, one after another.",
  },
  hiddenSize: { word: "Width", why: "How many numbers stand for one token between two layers." },
  heads: {
    word: "Heads",
    why: "Parts of attention that look at the text independently. Several query heads may share one key-value head to save memory.",
  },
  vocabulary: { word: "Vocabulary", why: "How many different tokens the model can read and write." },
  context: { word: "Context", why: "The longest text, in tokens, that the model can take in at once." },
  tokenizer: {
    word: "Tokenizer",
    why: "Cuts text into tokens, the pieces a model reads. Unknown characters become bytes.",
  },
  mask: {
    word: "Loss mask",
    why: "Tinted tokens count in the loss: the model learns to write them. Grey ones are only read.",
  },
  memory: {
    word: "Memory",
    why: "Weights, activations and optimizer state at the largest step, against what the engine may use here.",
  },
  time: { word: "Time", why: "Estimated from steps measured on this machine with this backend." },
  recipe: {
    word: "Recipe",
    why: "One JSON document that describes a run completely: the same recipe, seed and backend give the same curve.",
  },
  seed: {
    word: "Seed",
    why: "Starts every random choice: split, order, initial weights, dropout. The same seed repeats the run.",
  },
  name: { word: "Name", why: "Runs made from this recipe are called by this name and a number." },
  model: { word: "Model", why: "The base whose weights stay frozen while the adapter beside them learns." },
  evaluationShare: {
    word: "Held-out share",
    why: "The part of the rows kept aside to measure on. Data that brings its own held-out rows does not need it.",
  },
  limit: { word: "Row limit", why: "At most so many rows are used for training, chosen by the seed; 0 uses all." },
  shuffleAnswers: {
    word: "Shuffle answers",
    why: "A control: answers are dealt out to the wrong questions, so that accuracy must not rise. If it does, something leaks.",
  },
  precision: {
    word: "Weights of the base",
    why: "How the frozen weights are kept on the device. Fewer bits leave room for larger models; the adapter is always trained in full precision.",
  },
  templatePrompt: { word: "Prompt template", why: "What the model reads. {prompt} stands for the row's prompt." },
  templateCompletion: {
    word: "Completion template",
    why: "What the model learns to write. {completion} stands for the row's completion; the end-of-text token follows.",
  },
  lossOn: { word: "Loss on", why: "Whether the model learns to write only the completion, or the prompt as well." },
  lora: {
    word: "LoRA",
    why: "Two thin matrices are trained beside each frozen one; their product is what is learnt. Small to store and to share.",
    formula: "W + (alpha / rank) · B · A",
  },
  dora: {
    word: "DoRA",
    why: "LoRA that learns how long each row of a matrix is apart from where it points, as full training changes both.",
    formula: "m · (W + s·B·A) / ‖W + s·B·A‖",
  },
  loar: {
    word: "LoAR",
    why: "Each head of attention gets a gate, and tokens that carry logic a trained bonus; every weight stays as it is.",
    formula: "2σ(W·h + b) · y,  q·k + λ·mark",
  },
  full: {
    word: "Full fine-tuning",
    why: "Every weight is trained: the most that can be learnt and forgotten, in four times the weights' memory.",
    formula: "W + ΔW",
  },
  last: {
    word: "Last layers",
    why: "Only the blocks nearest the answer are trained; what the earlier ones make of the text stays as it is.",
  },
  bias: {
    word: "Biases",
    why: "Only what each matrix adds to its outputs is trained (BitFit): a thousandth of the numbers.",
    formula: "W·x + b",
  },
  prefix: {
    word: "Prefix tuning",
    why: "Attention of each layer finds trained keys and values before the text, as if some words stood there.",
    formula: "softmax(q · [P_k; K]ᵀ) · [P_v; V]",
  },
  prompt: {
    word: "Prompt tuning",
    why: "A few trained embeddings stand before every text: a prompt that training writes, in no language.",
    formula: "[p₁ … p_n; x₁ … x_T]",
  },
  bottleneck: {
    word: "Bottleneck",
    why: "Small networks behind attention and feed-forward press what they give through a narrow waist, and add it.",
    formula: "y + up(act(down(y)))",
  },
  head: { word: "Read-out", why: "Numbers read out of the model beside its words: rewards, or values." },
  ia3: {
    word: "IA3",
    why: "Keys, values and what feed-forward makes are multiplied by trained factors that begin at one.",
    formula: "l ⊙ (W·x)",
  },
  rslora: {
    word: "Rank-stabilised",
    why: "Divides by the square root of the rank, so that high ranks keep their strength (rsLoRA).",
    formula: "scale = alpha / √rank",
  },
  plusRatio: {
    word: "LoRA+ ratio",
    why: "How many times faster B learns than A; 1 is plain LoRA, 16 is the paper's choice.",
    formula: "lr(B) = ratio · lr(A)",
  },
  rankPattern: {
    word: "Ranks by matrix",
    why: "A rank and an alpha of its own for a matrix that deserves more or less than the others.",
  },
  loarMode: {
    word: "Marks",
    why: "What the tokens that carry logic change: a trained bonus for them (soft), all others hidden (hard), the article's form (literal), or nothing.",
  },
  logicMask: {
    word: "Logic mask",
    why: "Underlined tokens carry logic: LoAR raises the scores of attention where they are looked at, or hides the others.",
    formula: "m_j = 1 or 0,  s_ij + λ·m_j",
  },
  gate: {
    word: "Gate",
    why: "What LoAR multiplies a head's output by, made anew at each token: 1 lets it pass as it is, 0 shuts it, 2 doubles it.",
    formula: "g = 2σ(W·h + b)",
  },
  lambda: {
    word: "λ",
    why: "What a head adds to its score of a token that carries logic, before the softmax: 0 treats all alike, ln 2 doubles its odds.",
    formula: "softmax(q·k/√D + λ·m)",
  },
  attention: {
    word: "Attention",
    why: "How a head shares out its look at the text: each token's row of weights over itself and the tokens before it sums to 1.",
    formula: "softmax(q·k/√D)",
  },
  annotator: {
    word: "What carries logic",
    why: "Rules for word problems, contracts or code, your own expressions, or spans that the rows bring. What is marked shows in the data.",
  },
  patterns: {
    word: "Expressions",
    why: "Regular expressions in RE2's syntax, one a line; what they match carries logic. Each takes linear time, whatever it is.",
  },
  lastLayers: { word: "Layers", why: "How many of the last blocks are trained, with the norm behind them." },
  virtualTokens: {
    word: "Virtual tokens",
    why: "How many places before the text are trained. Each takes room in the context and time at every answer.",
  },
  bottleneckSize: {
    word: "Waist",
    why: "How many numbers pass the narrow part of each small network; 16 to 64 is usual.",
  },
  activation: { word: "Activation", why: "What bends the numbers in the waist; without it two matrices would be one." },
  stages: {
    word: "Stages",
    why: "The blocks join in so many groups over the run, the last ones first; 1 has them all from the start.",
  },
  ia3Modules: {
    word: "Scaled matrices",
    why: "Which matrices get factors. Keys, values and the last one of feed-forward are the paper's choice.",
  },
  feedForwardModules: {
    word: "By their inputs",
    why: "Of these what goes in is multiplied, of the others what comes out.",
  },
  rank: {
    word: "Rank",
    why: "The width of the two thin matrices. More rank can learn more and takes more memory; 8 to 64 is usual.",
  },
  alpha: {
    word: "Alpha",
    why: "How strongly the adapter counts against the frozen weight; twice the rank is a common choice.",
    formula: "scale = alpha / rank",
  },
  dropout: {
    word: "Dropout",
    why: "The chance that an input of the adapter is left out at a step, against learning by heart.",
  },
  targetModules: {
    word: "Target matrices",
    why: "Which of each layer's matrices get an adapter. All of them learns best for its size.",
  },
  batchRows: {
    word: "Rows per pass",
    why: "How many rows go through the model at once. More is steadier and takes more memory.",
  },
  accumulation: {
    word: "Accumulation",
    why: "Passes whose gradients are added up before one step: the same as a bigger batch, with less memory.",
  },
  contextLength: {
    word: "Longest row",
    why: "Rows with more tokens than this are left out and counted; 0 takes all that the model can read. Attention's cost grows with its square.",
  },
  batchMode: { word: "Batching", why: "Rows of like length together, or several short rows packed into one." },
  learningRate: {
    word: "Learning rate",
    why: "How far each step goes. Too high diverges, too low learns nothing in the time. The fewer numbers a method trains, the higher it goes.",
  },
  beta1: { word: "Beta 1", why: "How long AdamW remembers the direction of past gradients." },
  beta2: { word: "Beta 2", why: "How long AdamW remembers the size of past gradients." },
  epsilon: { word: "Epsilon", why: "Keeps AdamW from dividing by nearly nothing." },
  weightDecay: { word: "Weight decay", why: "Pulls the trained weights towards zero a little at each step." },
  maxGradNorm: {
    word: "Clipping",
    why: "A gradient longer than this is shortened to it, so that one odd batch cannot wreck the run.",
  },
  scheduleKind: {
    word: "Schedule",
    why: "How the learning rate falls after the warm-up: along a cosine, straight, or not at all.",
  },
  steps: { word: "Steps", why: "How many times the weights are changed." },
  warmupSteps: {
    word: "Warm-up",
    why: "Steps over which the learning rate climbs from zero, while the optimizer finds its bearings.",
  },
  evaluationEvery: {
    word: "Evaluate every",
    why: "Steps between two measurements on held-out rows. Each costs the time it takes to answer them.",
  },
  evaluationRows: {
    word: "Problems",
    why: "Held-out problems answered at each evaluation. More make narrower error bars and take longer; 0 turns it off.",
  },
  lossRows: { word: "Loss rows", why: "Held-out rows whose loss is measured at each evaluation." },
  maxTokens: { word: "Longest answer", why: "An answer is cut off after so many tokens." },
  samples: {
    word: "Samples",
    why: "Fixed prompts whose answers are shown at every evaluation, so that one reads how they change.",
  },
  patience: {
    word: "Patience",
    why: "Stops when the evaluation loss has not fallen for so many evaluations; 0 never does.",
  },
  checkpointEvery: {
    word: "Checkpoint every",
    why: "Steps between two saves. After a reload the run goes on from the last.",
  },
  backend: {
    word: "Backend",
    why: "What does the arithmetic: the graphics card, WebAssembly on the processor, or plain JavaScript.",
  },
  temperature: {
    word: "Temperature",
    why: "How daring the choice of the next token is: 0 always takes the likeliest.",
  },
  topK: { word: "Top-k", why: "Only the k likeliest tokens can be chosen; 0 allows all." },
  topP: {
    word: "Top-p",
    why: "Only the likeliest tokens that together reach this probability can be chosen; 1 allows all.",
  },
  minP: {
    word: "Min-p",
    why: "Only tokens at least this share as likely as the likeliest can be chosen; 0 allows all.",
  },
} satisfies Record<string, Explained>;
