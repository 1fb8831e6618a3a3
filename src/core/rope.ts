/**
 * @file Rotary position embedding as configurations state it: by which angle each pair of a head's numbers turns from
 * one position to the next. Formulas: transformers' modeling_rope_utils.py (5.18), after Su et al. 2021 (the base),
 * kaiokendev 2023 (linear), Llama 3.1, Peng et al. 2023 (YaRN) and Ding et al. 2024 (LongRoPE).
 */

import {
  type Fields,
  failConfig,
  isFields,
  numbersField,
  positiveField,
  positiveOrNull,
  quoted,
  wholeOrNull,
} from "./configFields";
import { say } from "./say";

export type RopeScaling =
  | { kind: "linear"; factor: number }
  | {
      kind: "llama3";
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      /** Positions the model saw before it was stretched. */
      originalMaxPositions: number;
    }
  | {
      kind: "yarn";
      factor: number;
      /** Pairs that turn more often than that over the original positions stay; those that turn less than that stretch. */
      betaFast: number;
      betaSlow: number;
      attentionFactor: number;
      originalMaxPositions: number;
    }
  | {
      kind: "longrope";
      /** What divides each pair's frequency in sequences up to originalMaxPositions, and in longer ones: [D / 2]. */
      shortFactor: number[];
      longFactor: number[];
      /** Of cosines and sines. */
      attentionFactor: number;
      originalMaxPositions: number;
    };

export type Rope = { theta: number; scaling: RopeScaling | null };

/** The parameters of one kind of layer, as transformers 5 nests them, or 4 lays them beside the other fields. */
export function parseRope(
  config: Fields,
  given: unknown,
  { theta, maxPositions, headDim }: { theta: number; maxPositions: number; headDim: number },
): Rope {
  const rope = given ?? {};
  if (!isFields(rope)) failConfig(say`the rope parameters are not an object`);
  const rotated = rope["partial_rotary_factor"] ?? config["partial_rotary_factor"] ?? 1;
  if (rotated !== 1) failConfig(say`partial_rotary_factor is ${quoted(rotated)}; only 1 is supported`);
  const base = positiveOrNull(rope, "rope_theta") ?? theta;
  const type = rope["rope_type"] ?? rope["type"] ?? "default";
  if (type === "default") return { theta: base, scaling: null };
  if (type === "linear") return { theta: base, scaling: { kind: "linear", factor: positiveField(rope, "factor") } };
  const originalMaxPositions =
    wholeOrNull(config, "original_max_position_embeddings") ??
    wholeOrNull(rope, "original_max_position_embeddings") ??
    maxPositions;
  if (type === "llama3") {
    const [factor, lowFreqFactor, highFreqFactor] = ["factor", "low_freq_factor", "high_freq_factor"].map((name) =>
      positiveField(rope, name),
    ) as [number, number, number];
    if (highFreqFactor <= lowFreqFactor) failConfig(say`high_freq_factor is not above low_freq_factor`);
    return { theta: base, scaling: { kind: "llama3", factor, lowFreqFactor, highFreqFactor, originalMaxPositions } };
  }
  if (type === "yarn" && rope["short_factor"] === undefined) {
    return { theta: base, scaling: parseYarn(rope, maxPositions, originalMaxPositions) };
  }
  // Phi-3's first files called it "su" and "yarn"; real yarn has no such factors.
  if (type === "longrope" || ((type === "su" || type === "yarn") && rope["short_factor"] !== undefined)) {
    const factor = positiveOrNull(rope, "factor") ?? maxPositions / originalMaxPositions;
    const stretch = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositions));
    return {
      theta: base,
      scaling: {
        kind: "longrope",
        shortFactor: numbersField(rope, "short_factor", headDim / 2),
        longFactor: numbersField(rope, "long_factor", headDim / 2),
        attentionFactor: positiveOrNull(rope, "attention_factor") ?? stretch,
        originalMaxPositions,
      },
    };
  }
  failConfig(say`rope_type ${quoted(type)} is not supported`);
}

function parseYarn(rope: Fields, maxPositions: number, originalMaxPositions: number): RopeScaling {
  if (rope["truncate"] === false) failConfig(say`truncate is false, which is not supported`);
  const factor = positiveOrNull(rope, "factor") ?? maxPositions / originalMaxPositions;
  const stretch = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  const [mscale, mscaleAll] = ["mscale", "mscale_all_dim"].map((name) => positiveOrNull(rope, name));
  const [betaFast, betaSlow] = [positiveOrNull(rope, "beta_fast") ?? 32, positiveOrNull(rope, "beta_slow") ?? 1];
  const told = mscale && mscaleAll ? stretch(mscale) / stretch(mscaleAll) : stretch(1);
  const attentionFactor = positiveOrNull(rope, "attention_factor") ?? told;
  return { kind: "yarn", factor, betaFast, betaSlow, attentionFactor, originalMaxPositions };
}

/** What parseRope reads again. */
export function ropeParameters({ theta, scaling }: Rope): Record<string, unknown> {
  if (!scaling) return { rope_type: "default", rope_theta: theta };
  const { kind, ...rest } = scaling;
  const names = {
    factor: "factor",
    lowFreqFactor: "low_freq_factor",
    highFreqFactor: "high_freq_factor",
    originalMaxPositions: "original_max_position_embeddings",
    shortFactor: "short_factor",
    longFactor: "long_factor",
    attentionFactor: "attention_factor",
    betaFast: "beta_fast",
    betaSlow: "beta_slow",
  } as const;
  const named = Object.entries(rest).map(([key, value]) => [names[key as keyof typeof names], value]);
  return { rope_type: kind, rope_theta: theta, ...(Object.fromEntries(named) as Record<string, unknown>) };
}

/** What cosines and sines are multiplied by. */
export function ropeFactor(scaling: RopeScaling | null): number {
  return scaling?.kind === "longrope" || scaling?.kind === "yarn" ? scaling.attentionFactor : 1;
}

/** Whether a sequence of so many positions needs the angles for long ones. */
export function isLongFor(scaling: RopeScaling | null, positions: number): boolean {
  return scaling?.kind === "longrope" && positions > scaling.originalMaxPositions;
}

/** Radians a position for each pair, [D / 2], rounded to f32 where transformers rounds. */
export function ropeFrequencies(D: number, { theta, scaling }: Rope, isLong = false): Float32Array {
  const plain = Float32Array.from({ length: D / 2 }, (_, d) => 1 / Math.fround(theta ** Math.fround((2 * d) / D)));
  switch (scaling?.kind) {
    case undefined:
      return plain;
    case "linear":
      return plain.map((frequency) => frequency / scaling.factor);
    case "longrope": {
      const factors = isLong ? scaling.longFactor : scaling.shortFactor;
      return plain.map((_, d) => 1 / Math.fround((factors[d] ?? 1) * Math.fround(theta ** Math.fround((2 * d) / D))));
    }
    case "yarn": {
      const { factor, betaFast, betaSlow, originalMaxPositions } = scaling;
      /** The pair that turns so often over the original positions. */
      const pairOf = (turns: number) =>
        (D * Math.log(originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
      const low = Math.max(Math.floor(pairOf(betaFast)), 0);
      const high = Math.min(Math.ceil(pairOf(betaSlow)), D - 1);
      return plain.map((frequency, d) => {
        const stretched = Math.min(Math.max((d - low) / (high === low ? 0.001 : high - low), 0), 1);
        return (frequency / factor) * stretched + frequency * (1 - stretched);
      });
    }
    case "llama3": {
      const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling;
      return plain.map((frequency) => {
        const turns = (originalMaxPositions * frequency) / (2 * Math.PI); // over what the model saw at first
        if (turns < lowFreqFactor) return frequency / factor;
        if (turns > highFreqFactor) return frequency;
        const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
        return ((1 - smooth) * frequency) / factor + smooth * frequency;
      });
    }
  }
}
