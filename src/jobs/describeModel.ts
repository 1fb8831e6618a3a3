/** @file What a model is, told from its files: for the Models page, the command line's `inspect`, and before training. */

import { StudioError } from "../core/errors";
import { countParameters } from "../core/model";
import type { ModelFacts } from "../core/modelRecord";
import { say } from "../core/say";
import { bytes } from "../core/units";
import { literalTemplate } from "../data/chatTemplateLiteral";
import type { OpenModel } from "./openModel";
import { weightBytes } from "./weightFormats";

/** Throws `model.tensor` where the weights cannot be read. A chat template that fails is told and left out. */
export async function describeModel(open: OpenModel): Promise<ModelFacts> {
  const { container, config, licence } = open;
  const weights = await open.weights();
  const counts = new Map<string, number>();
  for (const { type } of weights.tensors.values()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return {
    container,
    config,
    licence,
    parameters: countParameters(config),
    deviceBytes: bytes(weightBytes(config, weights)),
    types: [...counts].sort(([, a], [, b]) => b - a),
    ...(await readTemplate(open)),
  };
}

async function readTemplate({ chatTemplate }: OpenModel): Promise<Pick<ModelFacts, "template" | "templateProblem">> {
  if (chatTemplate === null) return { template: null, templateProblem: null };
  try {
    return { template: await literalTemplate(chatTemplate.template, chatTemplate), templateProblem: null };
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    return { template: null, templateProblem: error.detail ?? say`${error.message}` };
  }
}
