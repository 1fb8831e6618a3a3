/** @file Compares the JavaScript tokenizer's ids with those that Python wrote: `node pretrain/checkTokenizer.mjs IDS.jsonl [folder]`. */
import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";

const [, , idsFile, folder = "public/embedded"] = process.argv;
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
const tokenizer = new Tokenizer(read("tokenizer.json"), read("tokenizer_config.json"));
let rows = 0;
let wrong = 0;
for (const line of readFileSync(idsFile, "utf8").trimEnd().split("\n")) {
  const { text, ids } = JSON.parse(line);
  const own = tokenizer.encode(text, { add_special_tokens: false });
  const back = own.ids.length === 0 ? "" : tokenizer.decode(own.ids, { skip_special_tokens: true });
  rows++;
  if (own.ids.join() !== ids.join() || back !== text) {
    wrong++;
    if (wrong <= 5) console.log(JSON.stringify({ text, ids, own: own.ids, back }));
  }
}
console.log(JSON.stringify({ rows, wrong }));
process.exitCode = wrong === 0 && rows > 0 ? 0 : 1;
