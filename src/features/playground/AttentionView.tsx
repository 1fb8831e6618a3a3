/** @file One head's attention over a question, without the adapter and with it. */

import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { methodOf } from "../../core/adaptation";
import type { PromptAttention } from "../../core/engine";
import type { ModelConfig } from "../../core/model";
import type { Run } from "../../core/run";
import { type AttentionQuestion, dropAttention, loadAttention, useAttention } from "../../state/attention";
import { modelOf, useModels } from "../../state/models";
import { useSeries } from "../../state/series";
import type { Cell } from "../../ui/charts/HeatMap";
import { ScaleLegend } from "../../ui/charts/ScaleLegend";
import { Segments } from "../../ui/charts/Segments";
import { extentOf, type Scale } from "../../ui/charts/scale";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatNumber, formatShare } from "../../ui/formatQuantity";
import { Select } from "../../ui/Select";
import { Term } from "../../ui/Term";
import { MarkLegend } from "../../ui/TokenLegend";
import { visible } from "../../ui/TokenText";
import { AttentionMap, type Gates } from "./AttentionMap";
import { changeOf, firstHead, lowerTriangle, strongestKeys } from "./attentionRows";

type AttentionProps = { turn: string; prompt: string; run: Run };

/** Closed until asked for: it costs a few passes through the model. */
export function AttentionView(props: AttentionProps) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const config = useModels((state) =>
    state.status === "ready" ? modelOf(props.run.recipe.model, state.models)?.facts?.config : undefined,
  );
  if (!config) return null;
  return (
    <details className="px-4 text-xs text-muted lg:px-6" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit cursor-default rounded-sm">{t("playground.attention.title")}</summary>
      {isOpen && <OpenAttention {...props} config={config} />}
    </details>
  );
}

/** As many as the engine reads. */
const mostTokens = 256;

/** What LoAR's gates are before the first step. */
const firstGate = (run: Run) => (methodOf(run.recipe.adaptation, "loar")?.mode === "literal" ? 0.5 : 1);

/** The head that was chosen, or the one that moved most; null until that is known. */
function useHead(run: Run, layers: number) {
  const series = useSeries(run.id);
  const [chosen, setChosen] = useState<{ layer: number; head: number } | null>(null);
  const routing = series.routings.at(-1);
  const own = series.status === "loading" ? null : firstHead(routing, layers, firstGate(run));
  return { chosen: chosen ?? own, setChosen, gates: routing?.gates };
}

function OpenAttention({ turn, prompt, run, config }: AttentionProps & { config: ModelConfig }) {
  const { t } = useTranslation();
  const { chosen, setChosen, gates } = useHead(run, config.layers);
  const state = useAttention((all) => all[turn]);
  const [layer, head] = [chosen?.layer, chosen?.head];
  useEffect(() => {
    if (layer !== undefined && head !== undefined) void loadAttention(turn, { run: run.id, prompt, layer, head });
  }, [turn, run.id, prompt, layer, head]);
  useEffect(() => () => dropAttention(turn), [turn]);
  const places = (count: number) => Array.from({ length: count }, (_, i) => ({ id: String(i), label: String(i) }));
  return (
    <div className="flex flex-col gap-3 py-2" aria-busy={state?.status !== "ready"}>
      {chosen && (
        <div className="flex flex-wrap items-end gap-x-3 gap-y-2">
          <Select
            label={t("playground.attention.layer")}
            className="w-24"
            options={places(config.layers)}
            value={String(chosen.layer)}
            onChange={(id) => setChosen({ ...chosen, layer: Number(id) })}
          />
          <Select
            label={t("playground.attention.head")}
            className="w-24"
            options={places(config.heads).map((option, i) => {
              const gate = gates?.[chosen.layer]?.[i];
              if (gate === undefined) return option;
              return { ...option, description: t("playground.attention.meanGate", { gate: formatNumber(gate, 3) }) };
            })}
            value={String(chosen.head)}
            onChange={(id) => setChosen({ ...chosen, head: Number(id) })}
          />
          <p className="pb-1.5">
            <Term name="attention">{t("playground.attention.hint")}</Term>
          </p>
        </div>
      )}
      {state?.status === "failed" && <ErrorNotice error={state.error} />}
      {state?.value && state.value.attention.tokens.length >= mostTokens && (
        <p>{t("playground.attention.cut", { count: mostTokens })}</p>
      )}
      {state?.value ? (
        <Maps {...state.value} run={run} />
      ) : (
        state?.status !== "failed" && <p className="text-faint">{t("playground.attention.waiting")}</p>
      )}
    </div>
  );
}

type MapsProps = { question: AttentionQuestion; attention: PromptAttention; run: Run };
type View = "sides" | "change";

/** A token in a sentence: without the space before it, and a sign where it is nothing else. */
const nameOf = (text: string) => visible(text).trim() || "␣".repeat(text.length);

const shares: Scale = { kind: "share" };
const keysNamed = 3;

function Maps({ attention, run }: MapsProps) {
  const { t } = useTranslation();
  const { tokens } = attention;
  const T = tokens.length;
  const [view, setView] = useState<View>("sides");
  const [at, setAt] = useState<Cell | null>(null);
  /** The last token's: what is written next is made of what it looks at. */
  const [row, setRow] = useState(T - 1);
  const shown = Math.min(row, T - 1);
  const { base, tuned, change, changeScale, gates } = useMemo(() => read(attention, firstGate(run)), [attention, run]);
  const move = useCallback((next: Cell | null) => {
    setAt(next);
    if (next) setRow(next.row);
  }, []);
  const name = (i: number) => `“${nameOf(tokens[i]?.text ?? "")}”`;
  const signed = (value: number) => {
    const points = `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(1)}`;
    return t("playground.attention.points", { points });
  };
  const share = (value: number) => formatShare(value, value < 0.1 ? 1 : 0);
  const wordsOf = (values: ArrayLike<number>, isChange: boolean) => (of: number) => {
    const keys = strongestKeys(values, T, of, keysNamed).map(
      ({ key, value }) => `${name(key)} ${isChange ? signed(value) : share(value)}`,
    );
    if (keys.length === 0) return t("playground.attention.noChange", { token: name(of), at: of });
    return t(`playground.attention.${isChange ? "rowChange" : "row"}`, {
      token: name(of),
      at: of,
      keys: keys.join(", "),
    });
  };
  const map = (title: string, values: Float32Array, own: Gates | null, isChange = false) => (
    <AttentionMap
      {...{ title, tokens, values, at, row: shown }}
      scale={isChange ? changeScale : shares}
      gates={own}
      onMove={move}
      describe={wordsOf(values, isChange)}
      tip={(cell) => {
        const value = values[cell.row * T + cell.column] ?? 0;
        return (
          <span className="font-mono">
            {name(cell.row)} → {name(cell.column)} {isChange ? signed(value) : share(value)}
          </span>
        );
      }}
    />
  );
  return (
    <>
      <div className="flex flex-wrap items-start gap-x-6 gap-y-2">
        <Segments<View>
          label={t("playground.attention.view")}
          options={[
            { id: "sides", label: t("playground.attention.sides") },
            { id: "change", label: t("playground.attention.change") },
          ]}
          value={view}
          onChange={setView}
        />
        <ScaleLegend label={t(`playground.attention.legend.${view}`)} scale={view === "sides" ? shares : changeScale} />
        {gates && <ScaleLegend label={t("playground.attention.gate")} scale={gates.scale} />}
        {tokens.some(({ marked }) => marked) && <MarkLegend />}
      </div>
      <div className="grid gap-x-6 gap-y-4 md:grid-cols-2">
        {view === "change" ? (
          map(t("playground.attention.changeTitle"), change, gates, true)
        ) : (
          <>
            {map(t("playground.base"), base, null)}
            {map(t("playground.tuned"), tuned, gates)}
          </>
        )}
      </div>
    </>
  );
}

function read({ tokens, base, tuned, gates }: PromptAttention, middle: number) {
  const T = tokens.length;
  const change = lowerTriangle(changeOf(base, tuned), T);
  const around = (values: ArrayLike<number>, at: number, least: number): Scale => ({
    kind: "around",
    middle: at,
    extent: extentOf(values, at, least),
  });
  return {
    base: lowerTriangle(base, T),
    tuned: lowerTriangle(tuned, T),
    change,
    changeScale: around(change, 0, 0.01),
    gates: gates && { values: gates, scale: around(gates, middle, 0.05) },
  };
}
