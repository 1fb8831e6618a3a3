/** @file A row's tokens with a bar where its final answer begins: dragged, moved by key, or set by a click on a token. */

import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import type { PreviewToken } from "../../core/engine";
import { TokenText, tokenAttribute, visible } from "../../ui/TokenText";

type SolutionTokensProps = {
  label: string;
  tokens: readonly PreviewToken[];
  limit: number;
  /** Keeps the token that the final answer begins with; false where it could not be kept. */
  onMark: (token: number) => Promise<boolean>;
};

/** So long after the last key the place is kept. */
const rest = 500;
const farKeys: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -1,
  ArrowDown: 1,
  PageUp: -10,
  PageDown: 10,
};

/** The place between tokens that is nearest to where was pointed; null beside all text. */
function placeAt(x: number, y: number): number | null {
  // The bar itself lies on top.
  const element = document.elementsFromPoint(x, y).find((each) => each.hasAttribute(tokenAttribute));
  if (!element) return null;
  const { left, width } = element.getBoundingClientRect();
  return Number(element.getAttribute(tokenAttribute)) + (x > left + width / 2 ? 1 : 0);
}

export function SolutionTokens({ label, tokens, limit, onMark }: SolutionTokensProps) {
  const first = Math.max(
    0,
    tokens.findIndex(({ part }) => part !== undefined),
  );
  const found = tokens.findIndex(({ part }) => part === "final");
  const kept = found < 0 ? tokens.length : found;
  const [moved, setMoved] = useState<number | null>(null);
  const at = moved ?? kept;
  useEffect(() => setMoved(null), [tokens]);
  const within = (place: number) => Math.min(tokens.length, Math.max(first, place));
  const keep = (place: number) => {
    setMoved(place === kept ? null : place);
    if (place === kept) return;
    void onMark(place).then((isKept) => {
      if (!isKept) setMoved(null);
    });
  };
  const shown = useMemo(
    () =>
      tokens.map((token, i) =>
        token.part ? { ...token, part: i < at ? ("steps" as const) : ("final" as const) } : token,
      ),
    [tokens, at],
  );
  const root = useRef<HTMLDivElement>(null);
  const clicked = useRef((_event: MouseEvent) => undefined);
  clicked.current = ({ target }) => {
    const token =
      target instanceof Element ? target.closest(`[${tokenAttribute}]`)?.getAttribute(tokenAttribute) : null;
    const isSelecting = document.getSelection()?.isCollapsed === false;
    if (token && !isSelecting && Number(token) >= first) keep(Number(token));
    return undefined;
  };
  useEffect(() => {
    // A click is a short cut for those who point; the bar is what keys move.
    const listen = (event: MouseEvent) => clicked.current(event);
    const element = root.current;
    element?.addEventListener("click", listen);
    return () => element?.removeEventListener("click", listen);
  }, []);
  const bar = (
    <Bar
      spot={useSpot(root, at, shown)}
      place={at}
      first={first}
      tokens={tokens}
      onMove={(place) => setMoved(within(place))}
      onKeep={(place) => keep(within(place))}
    />
  );
  return (
    <div ref={root} className="flex min-h-0 flex-1 flex-col">
      <TokenText label={label} tokens={shown} limit={limit} hasParts className="min-h-0 flex-1 px-2">
        {bar}
      </TokenText>
    </div>
  );
}

type Spot = { left: number; top: number };

/**
 * Where a place between tokens lies in the text that scrolls. The bar is laid over the text rather than put into it: what
 * is moved among its neighbours loses focus and pointer.
 */
function useSpot(root: RefObject<HTMLElement | null>, place: number, tokens: readonly PreviewToken[]): Spot {
  const [spot, setSpot] = useState<Spot>({ left: 0, top: 0 });
  useLayoutEffect(() => {
    const text = root.current?.firstElementChild;
    if (!text) return undefined;
    const measure = () => {
      const find = (i: number) => text.querySelector(`[${tokenAttribute}="${i}"]`)?.getClientRects();
      const [after, before] = [find(place)?.[0], place > 0 ? [...(find(place - 1) ?? [])].at(-1) : undefined];
      const around = text.getBoundingClientRect();
      const [x, y] = after ? [after.left, after.top] : [before?.right ?? 0, before?.top ?? 0];
      setSpot({ left: x - around.left + text.scrollLeft, top: y - around.top + text.scrollTop });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(text);
    return () => observer.disconnect();
  }, [root, place, tokens]);
  return spot;
}

type BarProps = {
  spot: Spot;
  place: number;
  first: number;
  tokens: readonly PreviewToken[];
  onMove: (place: number) => void;
  onKeep: (place: number) => void;
};

function Bar({ spot, place, first, tokens, onMove, onKeep }: BarProps) {
  const { t } = useTranslation();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const waiting = useRef<number | null>(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const keepNow = () => {
    clearTimeout(timer.current);
    if (waiting.current !== null) onKeep(waiting.current);
    waiting.current = null;
  };
  const press = (event: KeyboardEvent) => {
    const ends: Record<string, number> = { Home: first, End: tokens.length };
    const by = farKeys[event.key];
    const next = by === undefined ? ends[event.key] : Math.min(tokens.length, Math.max(first, place + by));
    if (event.key === "Enter") keepNow();
    if (next === undefined) return;
    event.preventDefault();
    onMove(next);
    waiting.current = next;
    clearTimeout(timer.current);
    timer.current = setTimeout(keepNow, rest);
  };
  const drag = (event: PointerEvent) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const next = placeAt(event.clientX, event.clientY);
    if (next === null) return;
    onMove(next);
    waiting.current = Math.max(first, next);
  };
  const text = tokens
    .slice(place, place + 4)
    .map((token) => visible(token.text))
    .join("");
  return (
    <span
      role="slider"
      tabIndex={0}
      aria-label={t("solution.handle")}
      aria-valuemin={0}
      aria-valuemax={tokens.length - first}
      aria-valuenow={place - first}
      aria-valuetext={place < tokens.length ? t("solution.before", { text }) : t("solution.afterAll")}
      title={t("solution.handle")}
      onKeyDown={press}
      onBlur={keepNow}
      onPointerDown={(event) => {
        event.preventDefault(); // no text is selected
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onPointerUp={keepNow}
      style={spot}
      className="absolute -ml-2 h-5 w-4 cursor-ew-resize touch-none rounded-sm border-x-6 border-transparent bg-accent bg-clip-padding"
    />
  );
}
