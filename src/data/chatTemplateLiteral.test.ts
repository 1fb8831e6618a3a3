/** @file A chat template as a recipe's two texts: what training shows is what the template itself renders. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { newRecipe, parseRecipe } from "../core/recipe";
import { renderChat } from "./chatTemplate";
import { literalTemplate } from "./chatTemplateLiteral";
import { applyTemplate } from "./template";

const shared = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "tokenizers", "templates");
const isThere = existsSync(shared);
const tokens = { bos: "<BOS>", eos: "<EOS>" };

const chatml =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

test("ChatML", async () => {
  expect(await literalTemplate(chatml, tokens)).toEqual({
    prompt: "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n",
    completion: "{completion}<|im_end|>",
  });
  expect((await literalTemplate(chatml, { ...tokens, system: "Be {brief}." })).prompt).toBe(
    "<|im_start|>system\nBe {brief}.<|im_end|>\n<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n",
  );
});

describe.skipIf(!isThere && !process.env["CI"])("of the models' own templates", () => {
  const files = isThere ? readdirSync(shared) : [];
  const example = { prompt: "How many {completion}?", completion: "Half of {prompt} is 24.\n#### 72" };
  const conversation = [
    { role: "user", content: example.prompt },
    { role: "assistant", content: example.completion },
  ];

  test.each(files)("%s: the example reads as the template renders it, up to the end of the turn", async (file) => {
    const template = readFileSync(path.join(shared, file), "utf8");
    const literal = await literalTemplate(template, tokens);
    expect(parseRecipe(newRecipe({ template: literal })).template).toEqual(literal);
    const { prompt, completion } = applyTemplate(example, literal);
    const alone = await renderChat(template, conversation.slice(0, 1), { ...tokens, addGenerationPrompt: true });
    expect(prompt).toBe(alone);
    const whole = await renderChat(template, conversation, tokens);
    // llama.cpp's R1 opens a thought only when it generates: training shows it, so that generation finds it.
    const shown = (prompt + completion).replace("<｜Assistant｜><think>\n", "<｜Assistant｜>");
    expect(whole.startsWith(shown)).toBe(true);
    expect(completion).toMatch(/(<[^<>]+>)$/);
    expect(whole.slice(shown.length)).toMatch(/^\s*(<EOS>)?$/);
  });

  test("reasoning that R1's template strips is trained", async () => {
    for (const file of files.filter((name) => name.startsWith("deepseek"))) {
      const literal = await literalTemplate(readFileSync(path.join(shared, file), "utf8"), tokens);
      const thought = "<think>24 + 48</think>72";
      expect(applyTemplate({ prompt: "", completion: thought }, literal).completion).toBe(
        `${thought}<｜end▁of▁sentence｜>`,
      );
    }
  });

  test("a system message goes where the template has it, or before the prompt where it refuses one", async () => {
    const gemma = readFileSync(path.join(shared, "trl_gemma.jinja"), "utf8");
    expect((await literalTemplate(gemma, { ...tokens, system: "Be brief." })).prompt).toBe(
      "<BOS><start_of_turn>user\nBe brief.\n\n{prompt}<end_of_turn>\n<start_of_turn>model\n",
    );
    const smol = readFileSync(path.join(shared, "smollm2-instruct.from-hf-ollama-utils.jinja"), "utf8");
    expect((await literalTemplate(smol, { ...tokens, system: "Be brief." })).prompt).not.toContain("named SmolLM");
  });
});

const body = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
test.each<[string, string, { prompt: string; completion: string }]>([
  [
    "no end of turn: the end of the text",
    body,
    { prompt: "[user]{prompt}[assistant]", completion: "{completion}<EOS>" },
  ],
  [
    "no generation prompt but a space: the space is written by the model",
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}",
    { prompt: "<BOS>[INST] {prompt} [/INST]", completion: " {completion} <EOS>" },
  ],
  [
    "a system message demanded",
    "{% if messages[0].role != 'system' %}{{ raise_exception('system first') }}{% endif %}" + body,
    { prompt: "[system][user]{prompt}[assistant]", completion: "{completion}<EOS>" },
  ],
  [
    "more under the generation prompt",
    chatml.replace("assistant\n' }}{% endif %}", "assistant\n<think>\n' }}{% endif %}"),
    {
      prompt: "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n<think>\n",
      completion: "{completion}<|im_end|>",
    },
  ],
  [
    "braces of its own",
    "{% for m in messages %}{{ '{completion} {x} {{' }}{{ m.role }}:{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}{{ '{completion} {x} {{assistant:' }}{% endif %}",
    { prompt: "{completion} {x} {{user:{prompt}</s>{completion} {x} {{assistant:", completion: "{completion}</s>" },
  ],
])("%s", async (_, template, want) => {
  expect(await literalTemplate(template, tokens)).toEqual(want);
});

test.each<[string, string, RegExp]>([
  ["twice", "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}", /twice/],
  ["in upper case", "{% for m in messages %}{{ m.content | upper }}{% endfor %}", /letters of the answer/],
  ["not at all", "{{ messages | length }}", /leaves the answer out/],
  ["only the answer", "{% if messages[1] %}{{ messages[1].content }}{% endif %}", /leaves the prompt out/],
  ["the other way round", "{% for m in messages[::-1] %}{{ m.content }}{% endfor %}", /leaves the prompt out/],
  ["refused", "{{ raise_exception('Only tools may speak') }}", /Only tools may speak/],
  ["broken", "{% if %}", /.+/],
  ["its own {prompt}", `{{ '{prompt}' }}${chatml}`, /has \{prompt\} in it/],
  ["its own {completion}", chatml.replace("<|im_end|>\n'", "{completion}<|im_end|>\n'"), /has \{completion\} in it/],
  ["20,000 letters", `${"x".repeat(20_000)}${chatml}`, /20,?\d+ characters/],
  [
    "an answered prompt otherwise",
    "{% for m in messages %}{{ m.content }}{% if messages | length > 1 %}a{% else %}b{% endif %}{% endfor %}",
    /otherwise/,
  ],
])("a text put in %s is refused", async (_, template, words) => {
  await expect(literalTemplate(template, tokens)).rejects.toMatchObject({
    code: "template.invalid",
    message: expect.stringMatching(words) as string,
  });
});

test("a template without end is stopped once, not once for each way of asking", async () => {
  const endless = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
  const start = performance.now();
  await expect(literalTemplate(endless, { ...tokens, system: "x" })).rejects.toMatchObject({ code: "jail.slow" });
  expect(performance.now() - start).toBeLessThan(2000);
});
