/** @file The command line: the same engine as the page's, in Node. */

import { ablate } from "./cli/ablate";
import { evaluate } from "./cli/evaluate";
import { exportFiles } from "./cli/exportFiles";
import { generate } from "./cli/generate";
import { helpText } from "./cli/help";
import { inspect } from "./cli/inspect";
import { tellError } from "./cli/output";
import { train } from "./cli/train";
import { StudioError } from "./core/errors";
import { say } from "./core/say";

const commands: Record<string, (words: string[]) => Promise<number>> = {
  train,
  ablate,
  evaluate,
  generate,
  inspect,
  export: exportFiles,
  help: () => {
    process.stdout.write(helpText);
    return Promise.resolve(0);
  },
};

// npm starts scripts in the package's folder: paths are meant from where the person stands
const { INIT_CWD: typedIn, npm_lifecycle_event: script } = process.env;
if (script === "anneal" && typedIn !== undefined) process.chdir(typedIn);

const [command = "help", ...words] = process.argv.slice(2);
try {
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (!run) throw new StudioError("cli.usage", say`There is no command ${command}`);
  process.exitCode = await run(words);
} catch (error) {
  tellError(words.includes("--json"), error);
  process.exitCode = 1;
}
