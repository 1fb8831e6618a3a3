/** @file A model's chat template: a conversation as the text the model was trained on. It is foreign code, so it runs in the jail. */

import { runJailed } from "../jail/jail";

/** `content` is text, or parts as multimodal templates want them. */
export type ChatMessage = { role: string; content: unknown; [field: string]: unknown };

export type ChatOptions = {
  /** Ends where the assistant's answer would begin. */
  addGenerationPrompt?: boolean;
  /** Texts of the special tokens; null where the tokenizer has none. */
  bos?: string | null;
  eos?: string | null;
  /** Function descriptions as JSON schemas; null is none. */
  tools?: readonly unknown[] | null;
};

/** Milliseconds a rendering may take, and bytes it may have. */
export const templateLimits = { deadline: 500, cap: 2 ** 20 } as const;

/**
 * Renders a conversation as transformers' `apply_chat_template` does, to the same text.
 * Throws `template.invalid` with the template's own error, `jail.slow`, or `jail.large`.
 */
export async function renderChat(
  template: string,
  messages: readonly ChatMessage[],
  options: ChatOptions = {},
): Promise<string> {
  const { addGenerationPrompt = false, bos = null, eos = null, tools = null } = options;
  const variables: Record<string, unknown> = {
    messages,
    tools,
    documents: null,
    add_generation_prompt: addGenerationPrompt,
    ...(bos === null ? {} : { bos_token: bos }),
    ...(eos === null ? {} : { eos_token: eos }),
  };
  const input = { template, variables };
  return await runJailed({ task: "renderTemplate", input, code: "template.invalid", ...templateLimits });
}

export type ChatTemplate = { template: string; bos: string | null; eos: string | null };

/** The chat template of a tokenizer_config.json with its special tokens' texts, or null where there is none. */
export function findChatTemplate(tokenizerConfig: unknown): ChatTemplate | null {
  if (typeof tokenizerConfig !== "object" || tokenizerConfig === null) return null;
  const config = tokenizerConfig as Record<string, unknown>;
  const textOf = (token: unknown): string | null => {
    const text = typeof token === "object" && token !== null ? (token as { content?: unknown }).content : token;
    return typeof text === "string" ? text : null;
  };
  const given = config["chat_template"];
  // Some models carry several under names, of which `default` is the one without tools or documents.
  const named: unknown[] = Array.isArray(given) ? given : [{ name: "default", template: given }];
  for (const entry of named) {
    const { name, template } = (entry ?? {}) as { name?: unknown; template?: unknown };
    if (name === "default" && typeof template === "string" && template !== "")
      return { template, bos: textOf(config["bos_token"]), eos: textOf(config["eos_token"]) };
  }
  return null;
}
