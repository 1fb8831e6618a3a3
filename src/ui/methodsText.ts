/** @file The methods of an adaptation in a few words. */

import type { TFunction } from "i18next";
import { type Adaptation, loraScale } from "../core/adaptation";

/** `LoAR + LoRA, rank 16` */
export function methodsText(t: TFunction, adaptation: Adaptation): string {
  const names = adaptation.map((method) =>
    t(`studio.method.choice.${method.kind === "lora" && method.dora ? "dora" : method.kind}`),
  );
  const lora = adaptation.find((method) => method.kind === "lora");
  const ranks = lora?.targetModules.map((name) => loraScale(lora, name).rank) ?? [];
  const [least, most] = [Math.min(...ranks), Math.max(...ranks)];
  if (ranks.length === 0) return names.join(" + ");
  const rank = least === most ? String(most) : `${least}–${most}`;
  return `${names.join(" + ")}, ${t("studio.rank", { rank })}`;
}
