/** @file A recipe in a link: JSON, deflated, in the address's fragment, so that it never reaches a server. */

import { StudioError } from "../core/errors";
import { parseRecipe, type Recipe } from "../core/recipe";
import { say } from "../core/say";

const prefix = "#recipe=";
/** A recipe is some two kilobytes; a link that swells beyond this is not one. */
const mostBytes = 256 * 1024;

async function pipe(bytes: Uint8Array<ArrayBuffer>, through: GenericTransformStream): Promise<Uint8Array<ArrayBuffer>> {
  const reader = (new Blob([bytes]).stream().pipeThrough(through) as ReadableStream<Uint8Array>).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > mostBytes) {
      await reader.cancel();
      throw new StudioError("recipe.invalid", say`The link holds far more than a recipe`);
    }
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The fragment that carries a recipe: `#recipe=…`, base64url. */
export async function writeRecipeLink(recipe: Recipe): Promise<string> {
  const json = new TextEncoder().encode(JSON.stringify(recipe));
  const packed = await pipe(json, new CompressionStream("deflate-raw"));
  const base64 = btoa(String.fromCharCode(...packed));
  return prefix + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The recipe a fragment carries, or null where it carries none. Throws `recipe.invalid`. */
export async function parseRecipeLink(fragment: string): Promise<Recipe | null> {
  if (!fragment.startsWith(prefix)) return null;
  let value: unknown;
  try {
    const base64 = fragment.slice(prefix.length).replaceAll("-", "+").replaceAll("_", "/");
    const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const json = await pipe(packed, new DecompressionStream("deflate-raw"));
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    throw new StudioError("recipe.invalid", say`The link is damaged: it holds no recipe`, { cause });
  }
  return parseRecipe(value);
}
