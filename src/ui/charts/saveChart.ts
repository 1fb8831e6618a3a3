/** @file A chart as it stands on the page, as SVG or PNG. */

import { StudioError } from "../../core/errors";
import { say } from "../../core/say";
import type { Curve } from "./curve";

/** Looks that reach the drawing from the page's style sheet or its variables. */
const looks = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-opacity",
  "stroke-linejoin",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
] as const;

const strokes = { strong: {}, faint: { "stroke-opacity": 0.42 }, dashed: { "stroke-dasharray": "4 3" } } as const;

const margin = 16;
const headline = 44;
const svgNamespace = "http://www.w3.org/2000/svg";

export type Caption = { title: string; entries: readonly Pick<Curve, "label" | "color" | "look">[] };

function newElement(name: string, attributes: Record<string, string | number>, text?: string): Element {
  const element = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A drawing that stands by itself: every look written out, with a headline, a legend and the page's ground. */
function standalone(shown: SVGSVGElement, caption: Caption): { svg: SVGSVGElement; width: number; height: number } {
  const { width, height } = shown.getBoundingClientRect();
  const copy = shown.cloneNode(true) as SVGSVGElement;
  const originals = shown.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, i) => {
    const original = originals[i];
    if (!original) return;
    const style = getComputedStyle(original);
    for (const look of looks) element.setAttribute(look, style.getPropertyValue(look));
    element.removeAttribute("class");
    element.removeAttribute("style");
  });
  for (const element of copy.querySelectorAll("title, desc")) element.remove();
  copy.removeAttribute("class");
  copy.removeAttribute("style");
  const page = getComputedStyle(shown);
  const variable = (color: string) => {
    const name = /^var\((--[\w-]+)\)$/.exec(color)?.[1];
    return name ? page.getPropertyValue(name).trim() : color;
  };
  const full = { width: width + 2 * margin, height: height + headline + margin };
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", `0 0 ${full.width} ${full.height}`);
  svg.setAttribute("width", String(full.width));
  svg.setAttribute("height", String(full.height));
  svg.setAttribute("font-family", page.fontFamily);
  svg.append(newElement("rect", { ...full, fill: variable("var(--page)") }));
  svg.append(
    newElement(
      "text",
      { x: margin, y: 20, "font-size": 13, "font-weight": 600, fill: variable("var(--ink)") },
      caption.title,
    ),
  );
  let x = margin;
  for (const { label, color, look } of caption.entries) {
    const stroke = { stroke: variable(color), "stroke-width": 2, ...strokes[look] };
    svg.append(newElement("line", { x1: x, x2: x + 16, y1: 35, y2: 35, ...stroke }));
    svg.append(newElement("text", { x: x + 21, y: 39, "font-size": 11, fill: variable("var(--muted)") }, label));
    x += 21 + label.length * 6.2 + 14;
  }
  copy.setAttribute("x", String(margin));
  copy.setAttribute("y", String(headline));
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  svg.append(copy);
  return { svg, ...full };
}

const serialize = (svg: SVGSVGElement) =>
  new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml;charset=utf-8" });

export function chartSvg(shown: SVGSVGElement, caption: Caption): Blob {
  return serialize(standalone(shown, caption).svg);
}

/** At twice the size on the page. Throws where the browser cannot draw it. */
export async function chartPng(shown: SVGSVGElement, caption: Caption): Promise<Blob> {
  const { svg, width, height } = standalone(shown, caption);
  const url = URL.createObjectURL(serialize(svg));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * 2);
    canvas.height = Math.round(height * 2);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((png) => {
        if (png) resolve(png);
        else reject(new StudioError("bug", say`The chart could not be drawn as an image`));
      }, "image/png");
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
