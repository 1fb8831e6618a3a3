/** @file What of a model is trained: a list of methods, each with its settings, in the words that PEFT uses. */

import * as z from "zod/mini";
import {
  allLinearNames,
  type LinearName,
  linearNames,
  linearNamesOf,
  linearPath,
  linearShape,
  stacksOf,
} from "./adapter";
import { annotatorSchema } from "./annotator";
import { architectures } from "./architectures";
import { StudioError } from "./errors";
import type { ModelConfig } from "./model";
import { type Said, say } from "./say";
import { tensorShapes } from "./tensorNames";

const whole = (minimum: number, maximum: number) => z.int().check(z.gte(minimum), z.lte(maximum));
const between = (minimum: number, maximum: number) => z.number().check(z.gte(minimum), z.lte(maximum));
const layersNamed = () => z.array(z.enum(allLinearNames)).check(z.minLength(1));
const byLayer = (value: z.ZodMiniNumber) => z._default(z.partialRecord(z.enum(allLinearNames), value), {});

const methodSchemas = {
  /** ΔW = s · B · A beside a frozen W, with A [rank, in], B [out, rank] and B starting at zero (Hu et al. 2021). */
  lora: z.strictObject({
    kind: z.literal("lora"),
    rank: whole(1, 512),
    /** s = alpha / rank. */
    alpha: between(0.001, 4096),
    dropout: between(0, 0.9),
    targetModules: layersNamed(),
    /** s = alpha / √rank, which keeps its strength at high ranks (Kalajdzievski 2023). */
    rslora: z._default(z.boolean(), false),
    /** Each row of W + ΔW has a trained length of its own (Liu et al. 2024). */
    dora: z._default(z.boolean(), false),
    /** The learning rate of B over that of A (LoRA+, Hayou et al. 2024). */
    plusRatio: z._default(between(1, 1000), 1),
    /** Ranks and alphas of single layers, in place of the common ones. */
    rankPattern: byLayer(whole(1, 512)),
    alphaPattern: byLayer(between(0.001, 4096)),
  }),
  /** Logic attention routing: gates by head, and scores that know which tokens carry logic. */
  loar: z.strictObject({
    kind: z.literal("loar"),
    mode: z.enum(["soft", "hard", "literal", "gate"]),
    annotator: annotatorSchema,
  }),
  /** Every weight of the base. */
  full: z.strictObject({ kind: z.literal("full") }),
  /** The last blocks, and the norm behind them. */
  last: z.strictObject({ kind: z.literal("last"), layers: whole(1, 4096) }),
  /** The linear layers' biases; zeros to begin with where the base has none (BitFit, Ben Zaken et al. 2021). */
  bias: z.strictObject({ kind: z.literal("bias") }),
  /** Keys and values before every text, in each layer (Li and Liang 2021). */
  prefix: z.strictObject({ kind: z.literal("prefix"), virtualTokens: whole(1, 1024) }),
  /** Embeddings before every text (Lester et al. 2021). */
  prompt: z.strictObject({ kind: z.literal("prompt"), virtualTokens: whole(1, 1024) }),
  /** x + up(act(down(x))) behind attention and behind the feed-forward part (Houlsby et al. 2019). */
  bottleneck: z.strictObject({
    kind: z.literal("bottleneck"),
    size: whole(1, 4096),
    activation: z.enum(["gelu", "relu"]),
    /** The blocks join in so many groups, the last blocks first, at even distances through the run. */
    stages: whole(1, 64),
  }),
  /** What linear layers give, or feed-forward ones are given, times a trained vector that starts at one (Liu et al. 2022). */
  ia3: z.strictObject({
    kind: z.literal("ia3"),
    targetModules: layersNamed(),
    /** Those of them whose input is multiplied. */
    feedForwardModules: z.array(z.enum(allLinearNames)),
  }),
  /** Numbers read out beside the vocabulary's logits: rewards, or values. It comes with the objective that needs it. */
  head: z.strictObject({ kind: z.literal("head"), outputs: whole(1, 16) }),
};

export type MethodKind = keyof typeof methodSchemas;
export type MethodOf<K extends MethodKind> = z.infer<(typeof methodSchemas)[K]>;
export type Method = { [K in MethodKind]: MethodOf<K> }[MethodKind];
/** Each kind once at most. */
export type Adaptation = Method[];

export type Lora = MethodOf<"lora">;
export type Loar = MethodOf<"loar">;

/** Those to choose from: a head comes with its objective. */
export type ChosenKind = Exclude<MethodKind, "head">;
export const methodKinds = (Object.keys(methodSchemas) as MethodKind[]).filter(
  (kind): kind is ChosenKind => kind !== "head",
);

const { lora, loar, full, last, bias, prefix, prompt, bottleneck, ia3, head } = methodSchemas;
export const adaptationSchema = z
  .array(z.discriminatedUnion("kind", [lora, loar, full, last, bias, prefix, prompt, bottleneck, ia3, head]))
  .check(z.minLength(1));

/** The method of this kind among an adaptation's. */
export function methodOf<K extends MethodKind>(adaptation: Adaptation, kind: K): MethodOf<K> | undefined {
  return adaptation.find((method): method is MethodOf<K> => method.kind === kind);
}

const defaults: { [K in MethodKind]: MethodOf<K> } = {
  lora: {
    kind: "lora",
    rank: 16,
    alpha: 32,
    dropout: 0,
    targetModules: [...linearNames],
    rslora: false,
    dora: false,
    plusRatio: 1,
    rankPattern: {},
    alphaPattern: {},
  },
  loar: { kind: "loar", mode: "soft", annotator: { kind: "maths" } },
  full: { kind: "full" },
  last: { kind: "last", layers: 1 },
  bias: { kind: "bias" },
  prefix: { kind: "prefix", virtualTokens: 16 },
  prompt: { kind: "prompt", virtualTokens: 16 },
  bottleneck: { kind: "bottleneck", size: 16, activation: "gelu", stages: 1 },
  ia3: { kind: "ia3", targetModules: ["k_proj", "v_proj", "down_proj"], feedForwardModules: ["down_proj"] },
  head: { kind: "head", outputs: 1 },
};

/** A method as people begin with it. */
export function newMethod<K extends MethodKind>(kind: K, changes: Partial<MethodOf<K>> = {}): MethodOf<K> {
  return { ...structuredClone(defaults[kind]), ...changes };
}

/** Kinds that make no sense together: the one already trains what the other adds, or both claim the same places. */
const excluded: readonly [MethodKind, MethodKind][] = [
  ...(["lora", "last", "bias", "bottleneck", "ia3"] as const).map((kind) => ["full", kind] as [MethodKind, MethodKind]),
  ["last", "bias"],
  ["prefix", "prompt"],
];

/** Whether a method of this kind can join those. */
export function canJoin(adaptation: Adaptation, kind: MethodKind): boolean {
  return adaptation.every(
    (other) => other.kind !== kind && !excluded.some((pair) => pair.includes(kind) && pair.includes(other.kind)),
  );
}

/** What is wrong with methods that are each right: where, and what; null where nothing is. */
export function wrongAdaptation(adaptation: Adaptation): { field: string; what: Said } | null {
  for (const [i, method] of adaptation.entries()) {
    const others = adaptation.slice(0, i);
    if (others.some(({ kind }) => kind === method.kind))
      return { field: `${i}.kind`, what: say`${method.kind} is there twice` };
    const clash = others.find((other) => !canJoin([other], method.kind));
    if (clash) return { field: `${i}.kind`, what: say`${method.kind} does not go with ${clash.kind}` };
    if (method.kind === "lora" && method.dora && methodOf(adaptation, "last")) {
      return { field: `${i}.dora`, what: say`does not go with last, which trains the weights whose lengths it takes` };
    }
    if (!("targetModules" in method)) continue;
    if (new Set(method.targetModules).size !== method.targetModules.length) {
      return { field: `${i}.targetModules`, what: say`a module is named twice` };
    }
    if (method.kind === "ia3") {
      const strange = method.feedForwardModules.find((name) => !method.targetModules.includes(name));
      if (strange) return { field: `${i}.feedForwardModules`, what: say`${strange} is not among targetModules` };
    }
  }
  return null;
}

/** Of one layer's pair: its rank, and what B · A is multiplied by. */
export function loraScale({ rank, alpha, rslora, rankPattern, alphaPattern }: Lora, name: LinearName) {
  const r = rankPattern[name] ?? rank;
  return { rank: r, scale: (alphaPattern[name] ?? alpha) / (rslora ? Math.sqrt(r) : r) };
}

type Shapes = Map<string, number[]>;

/** Throws `adapter.invalid` where a layer to be adapted is none of this architecture's. */
export function checkTargets(config: ModelConfig, targetModules: readonly LinearName[]): void {
  const known = linearNamesOf(config);
  for (const name of targetModules) {
    if (!known.includes(name)) {
      throw new StudioError("adapter.invalid", say`${name} is not a layer of this model: it has ${known.join(", ")}`);
    }
  }
}

export const blockPath = ({ architecture }: Pick<ModelConfig, "architecture">, layer: number) =>
  `${architectures[architecture].tensors.blocks}.${layer}`;

/** Where a bottleneck stands in a block. */
export const bottleneckPlaces = ["attention", "feed_forward"] as const;

/**
 * The linear layers that can have a bias in this architecture's files, so that a trained one has a place to go: all of
 * Llama's and GPT-2's, the ones there are of the others.
 */
export function biasableNames(config: ModelConfig): LinearName[] {
  return config.architecture === "llama" || config.architecture === "gpt2" ? linearNamesOf(config) : config.biases;
}

/** A read-out's only tensor, as transformers' models for sequence classification call it. */
export const headTensor = "score.weight";

/** The base's own tensors that a method trains, by Hugging Face's names. */
const tensorsOfMethod: { [K in MethodKind]: (config: ModelConfig, method: MethodOf<K>) => Shapes } = {
  lora: (config, method) => {
    checkTargets(config, method.targetModules);
    return eachTarget(config, method.targetModules, (path, name, [out, in_]) => {
      const { rank } = loraScale(method, name);
      return [
        [`${path}.lora_A.weight`, [rank, in_]],
        [`${path}.lora_B.weight`, [out, rank]],
        ...(method.dora ? [entry(`${path}.lora_magnitude_vector`, [out])] : []),
      ];
    });
  },
  ia3: (config, { targetModules, feedForwardModules }) => {
    checkTargets(config, targetModules);
    for (const names of Object.values(stacksOf(config))) {
      const fed = feedForwardModules.find((name) => names.length > 1 && names.includes(name));
      if (fed)
        throw new StudioError(
          "adapter.invalid",
          say`${fed} shares its input with ${names.join(", ")}: only what it gives can be scaled`,
        );
    }
    return eachTarget(config, targetModules, (path, name, [out, in_]) => [
      [`${path}.ia3_l`, feedForwardModules.includes(name) ? [1, in_] : [out, 1]],
    ]);
  },
  loar: (config, { mode }) =>
    eachLayer(config, (layer) => {
      const path = `${blockPath(config, layer)}.loar`;
      const { heads: H, hiddenSize: C } = config;
      return [
        [`${path}.gate.weight`, [H, C]],
        [`${path}.gate.bias`, [H]],
        ...(mode === "soft" ? [entry(`${path}.lambda`, [H])] : []),
      ];
    }),
  bottleneck: (config, { size }) =>
    eachLayer(config, (layer) =>
      bottleneckPlaces.flatMap((place) => {
        const path = `${blockPath(config, layer)}.bottleneck.${place}`;
        const { hiddenSize: C } = config;
        return [
          [`${path}.down.weight`, [size, C]],
          [`${path}.down.bias`, [size]],
          [`${path}.up.weight`, [C, size]],
          [`${path}.up.bias`, [C]],
        ] as const;
      }),
    ),
  prefix: ({ layers, keyValueHeads: K, headDim: D }, { virtualTokens }) =>
    new Map([["prompt_embeddings", [virtualTokens, 2 * layers * K * D]]]),
  prompt: ({ hiddenSize: C }, { virtualTokens }) => new Map([["prompt_embeddings", [virtualTokens, C]]]),
  full: (config) => tensorShapes(config),
  last: (config, { layers }) => {
    if (layers > config.layers) {
      throw new StudioError("adapter.invalid", say`The model has ${config.layers} layers, not ${layers}`);
    }
    const { norm } = architectures[config.architecture].tensors;
    const kept = Array.from({ length: layers }, (_, i) => `${blockPath(config, config.layers - layers + i)}.`);
    const isLast = (name: string) => name.startsWith(`${norm}.`) || kept.some((path) => name.startsWith(path));
    return new Map([...tensorShapes(config)].filter(([name]) => isLast(name)));
  },
  bias: (config) => {
    const names = biasableNames(config);
    if (names.length === 0) {
      throw new StudioError(
        "adapter.invalid",
        say`The linear layers of ${config.architecture} have no biases to train`,
      );
    }
    return eachTarget(config, names, (path, _, [out]) => [[`${path}.bias`, [out]]]);
  },
  head: ({ hiddenSize: C }, { outputs }) => new Map([[headTensor, [outputs, C]]]),
};

type Entry = readonly [name: string, shape: number[]];
type Entries = readonly Entry[];
const entry = (name: string, shape: number[]): Entry => [name, shape];

function eachLayer(config: ModelConfig, make: (layer: number) => Entries): Shapes {
  return new Map(Array.from({ length: config.layers }, (_, layer) => make(layer)).flat());
}

function eachTarget(
  config: ModelConfig,
  names: readonly LinearName[],
  make: (path: string, name: LinearName, shape: [out: number, in_: number]) => Entries,
): Shapes {
  return eachLayer(config, (layer) =>
    names.flatMap((name) => make(linearPath(layer, name), name, linearShape(config, name))),
  );
}

/** The trained tensors of one method, by the names that files have them under. Throws `adapter.invalid`. */
export function methodTensors(config: ModelConfig, method: Method): Shapes {
  const table: Record<MethodKind, (config: ModelConfig, method: never) => Shapes> = tensorsOfMethod;
  return table[method.kind](config, method as never);
}

/** The trained tensors of all its methods. Throws `adapter.invalid`. */
export function adaptationTensors(config: ModelConfig, adaptation: Adaptation): Shapes {
  return new Map(adaptation.flatMap((method) => [...methodTensors(config, method)]));
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** How many numbers are trained. Throws `adapter.invalid`. */
export function countTrained(config: ModelConfig, adaptation: Adaptation): number {
  return [...adaptationTensors(config, adaptation).values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
}
