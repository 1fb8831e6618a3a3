/** @file What a picture of a method is made of: matrices, gates of heads, funnels, tokens, the stack of layers. Grey is frozen. */

import { useTranslation } from "react-i18next";
import { type Adaptation, methodOf } from "../../core/adaptation";
import type { ModelConfig } from "../../core/model";

/** What of a matrix is trained; lengths in pixels. */
export type Trained = {
  isWhole: boolean;
  /** Rank of the pair beside it, 0 where there is none. */
  pair: number;
  /** Vectors as long as its outputs: a length for each row, a factor for each output, a bias. */
  bars: number;
  /** A factor for each of its inputs. */
  isFed: boolean;
  /** Keys or values of virtual tokens beside the rows that make them. */
  virtual: { from: number; to: number; width: number } | null;
};

/** Pixels of a vector, and of the room around a matrix, which is there whether it is used or not. */
const thin = 2;
const room = 3;
/** Of a pair, or of virtual tokens. */
const widest = 12;

/** W [out, in]; B [out, rank] left of it and A [rank, in] above it; vectors of outputs at its right, of inputs below. */
export function Matrix({ out, in_, trained }: { out: number; in_: number; trained: Trained }) {
  const { isWhole, pair, bars, isFed, virtual } = trained;
  const rank = Math.max(thin, Math.min(pair, widest));
  const left = pair > 0 ? rank + 1 : thin + 1;
  const wide = virtual ? Math.max(thin, Math.min(virtual.width, widest)) + 2 : 0;
  const right = Math.max(room, (thin + 1) * bars + wide);
  return (
    <svg width={left + in_ + right} height={left + out + thin + 1} aria-hidden="true">
      <g transform={`translate(${left},${left})`}>
        <rect width={in_} height={out} className={isWhole ? "fill-accent" : "fill-series-8/30"} />
        {pair > 0 && (
          <>
            <rect x={-rank - 1} width={rank} height={out} className="fill-accent" />
            <rect y={-rank - 1} width={in_} height={rank} className="fill-accent" />
          </>
        )}
        {Array.from({ length: bars }, (_, i) => (
          <rect key={i} x={in_ + 1 + i * (thin + 1)} width={thin} height={out} className="fill-accent" />
        ))}
        {isFed && <rect y={out + 1} width={in_} height={thin} className="fill-accent" />}
        {virtual && (
          <rect
            x={in_ + 2 + bars * (thin + 1)}
            y={virtual.from}
            width={wide - 2}
            height={virtual.to - virtual.from}
            className="fill-accent"
          />
        )}
      </g>
    </svg>
  );
}

/** A gate a head, in columns of eight. */
export function Gates({ heads }: { heads: number }) {
  const columns = Math.ceil(heads / 8);
  return (
    <span
      className="grid w-max gap-px"
      style={{ gridTemplateRows: `repeat(${Math.min(8, heads)}, 6px)`, gridTemplateColumns: `repeat(${columns}, 6px)` }}
    >
      {Array.from({ length: heads }, (_, i) => (
        <span key={i} className="size-1.5 rounded-full bg-accent" />
      ))}
    </span>
  );
}

/** Down, an activation, up: as wide as the stream, then as the waist, then as the stream. */
export function Funnel({ width, waist }: { width: number; waist: number }) {
  const height = Math.max(14, width);
  const narrow = Math.max(thin, Math.min(height, waist));
  const [a, b] = [(height - narrow) / 2, (height + narrow) / 2];
  return (
    <svg width={24} height={height} aria-hidden="true">
      <polygon points={`0,0 11,${a} 11,${b} 0,${height}`} className="fill-accent" />
      <polygon points={`24,0 13,${a} 13,${b} 24,${height}`} className="fill-accent" />
    </svg>
  );
}

const shownTokens = 22;
/** Which tokens of the pictured text carry logic: some, as in a word problem. */
const marked = new Set([2, 3, 7, 8, 9, 13, 16, 17, 20]);

/** The text, and what stands before it: virtual tokens filled where their embeddings are trained, open where keys and values are. */
export function TokenRow({ adaptation }: { adaptation: Adaptation }) {
  const { t } = useTranslation();
  const prompt = methodOf(adaptation, "prompt");
  const soft = prompt ?? methodOf(adaptation, "prefix");
  const loar = methodOf(adaptation, "loar");
  const first = Math.min(soft?.virtualTokens ?? 0, shownTokens - 8);
  const isMarked = (i: number) => loar && loar.mode !== "gate" && marked.has(i - first);
  return (
    <div className="flex items-center gap-0.5">
      {Array.from({ length: shownTokens }, (_, i) => (
        <span
          key={i}
          className={`h-2.5 w-1.5 rounded-[1px] ${
            i < first ? (prompt ? "bg-accent" : "border border-accent") : isMarked(i) ? "bg-series-3" : "bg-series-8/30"
          }`}
        />
      ))}
      <span className="ml-1.5 font-mono text-xs whitespace-nowrap text-muted">
        {soft ? t("studio.method.virtual", { count: soft.virtualTokens }) : t("studio.method.text")}
      </span>
    </div>
  );
}

/** Of so many layers the last are trained; 0 where nothing within the layers is. */
function trainedLayers({ layers }: ModelConfig, adaptation: Adaptation): number {
  return Math.max(
    ...adaptation.map((method) => {
      if (method.kind === "prompt") return 0;
      return method.kind === "last" ? Math.min(method.layers, layers) : layers;
    }),
  );
}

/** The stack of blocks, the last one on top, over the embedding: which of them have something that is trained. */
export function LayerStrip({ config, adaptation }: { config: ModelConfig; adaptation: Adaptation }) {
  const { t } = useTranslation();
  const { layers } = config;
  const count = trainedLayers(config, adaptation);
  const isFull = methodOf(adaptation, "full") !== undefined;
  return (
    <div className="flex w-11 shrink-0 flex-col items-center gap-1">
      <div className="flex w-5 flex-1 flex-col gap-px">
        {Array.from({ length: layers }, (_, i) => (
          <span key={i} className={`min-h-px flex-1 ${i < count ? "bg-accent" : "bg-series-8/30"}`} />
        ))}
        <span className={`mt-1 h-2 ${isFull ? "bg-accent" : "bg-series-6/60"}`} />
      </div>
      <span className="font-mono text-xs whitespace-nowrap text-muted">
        {t("studio.method.ofLayers", { trained: count, layers })}
      </span>
    </div>
  );
}
