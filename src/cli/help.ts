/** @file `help`: the commands, as they are typed. */

export const helpText = `npm run --silent anneal -- COMMAND

  train RECIPE.json              fine-tune, and tell how it goes
        quickstart               the embedded recipe: LoRA
        loar-quickstart          the same with LoAR beside LoRA
        grpo-quickstart          a hundred solutions imitated, then rewards (GRPO)
        ppo-quickstart           the same with PPO
        dpo-quickstart           the same, then preferences among its own answers (DPO)
      --model embedded|DIR|GGUF  another base: a Hugging Face folder, or a GGUF file
      --data embedded|FILE       other rows (JSONL, JSON, CSV); a share is held out, or
      --eval FILE                held-out rows
      --eval-rows N              held-out problems asked at every evaluation
      --steps N  --seed N        length and chance
      --start DIR                an adapter to begin with, which is then what rewards are measured from
      --shuffle-answers          a control that must not learn
      --out DIR                  recipe.json, metrics.jsonl, samples.jsonl, groups.jsonl, adapter/, checkpoint
      --resume                   go on with the run in --out; one that a reward of your own has paused (exit code 75)
                                 goes on with the code that DIR/recipe.json then has for it
  ablate RECIPE|quickstart       the same recipe in several variants, with several seeds, one run after the other
      --methods LIST             base, full, lora, loar+lora, …; lora:8 is of rank 8, last:2 of two layers,
                                 prefix:16 of 16 tokens, loar:hard; full@1e-3 has a learning rate of its own
      --variants FILE            [{"name": …, "changes": {…}}], changes merged into the recipe
      --seeds 1,2,3              1 where it is left out
      --final-rows N             held-out problems asked at the end of each run
      --model --data --eval --eval-rows --steps as train
      --out DIR                  ablation.json, results.json, results.md, results.csv, runs/;
                                 the same command again goes on, and adds what is new
  evaluate                       how many problems a model solves
      --model embedded|DIR|GGUF --data embedded|unseen|FILE
      --adapter DIR --limit N --shots N --shots-from FILE --max-tokens N --recipe FILE
  generate                       go on from a prompt
      --model embedded|DIR|GGUF --prompt TEXT (as it stands) or --question TEXT (in the template)
      --adapter DIR --max-tokens N --temperature X --min-p X --seed N
  inspect FILE|DIR|GGUF|embedded a data set's format, rows and tokens, or a model's tensors
  export                         a model, or what was trained on it, for other programs
      --model embedded|DIR|GGUF --out DIR
      --format hf                the base alone, as a Hugging Face folder
      --adapter DIR --format peft|anneal|merged|gguf|gguf-adapter|loar
                                 PEFT's folder, the studio's own, a Hugging Face folder with the adapter merged in,
                                 GGUF with an Ollama Modelfile, llama.cpp's adapter, LoAR for transformers
      --dtype float32|float16    of hf and merged; --type F32|F16|Q8_0|Q4_0 of gguf
      --recipe FILE              for the template; left out, the recipe.json beside the adapter
      --prove --data FILE        what was written is read again and must compute what was trained, on held-out rows
  help

Everywhere: --json (one object a line), --quiet, and --backend auto|webgpu|wasm|cpu where something is computed.
`;
