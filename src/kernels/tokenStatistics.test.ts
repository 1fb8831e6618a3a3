/** @file Log-probabilities and entropies of a read-out, chunk by chunk, against plain arithmetic. */

import { expect, it } from "vitest";
import { unpackWeight } from "../core/packing";
import { newRandom } from "../core/random";
import { openDevice } from "./device";
import { tokenStatistics } from "./linearCrossEntropy";
import { tf } from "./tf";
import { newWeight } from "./weight";

it.each(["wasm", "cpu"] as const)(
  "on %s gives each target's log-probability and each row's entropy",
  async (backend) => {
    await openDevice(backend);
    const [M, C, V] = [11, 32, 40];
    const random = newRandom(3);
    const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
    const [x, head] = [draw(M * C), draw(V * C)];
    const targets = Int32Array.from({ length: M }, () => random.below(V));
    for (const format of ["f32", "q4"] as const) {
      const weight = newWeight(head, [V, C], format);
      const plain = format === "f32" ? head : unpackWeight(Int32Array.from(await weight.values.data()), C, format);
      const xs = tf.tensor2d(x, [M, C]);
      const wanted = tf.tensor1d(targets, "int32");
      const { logProbabilities, entropies } = tokenStatistics(xs, weight, wanted, { rows: 4 });
      const [got, undecided] = [await logProbabilities.data(), await entropies.data()];
      for (let m = 0; m < M; m++) {
        const logits = Array.from({ length: V }, (_, v) =>
          Array.from({ length: C }, (_, c) => (x[m * C + c] ?? 0) * (plain[v * C + c] ?? 0)).reduce((a, b) => a + b),
        );
        const lse = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
        expect(got[m]).toBeCloseTo((logits[targets[m] ?? 0] ?? 0) - lse, 3);
        const H = logits.reduce((sum, logit) => sum - Math.exp(logit - lse) * (logit - lse), 0);
        expect(undecided[m]).toBeCloseTo(H, 3);
      }
      tf.dispose([xs, wanted, logProbabilities, entropies, weight.values]);
    }
  },
);
