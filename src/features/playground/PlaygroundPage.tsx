/** @file Base and tuned model side by side: one question, the same seed, two answers. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearchParams } from "wouter";
import { methodOf } from "../../core/adaptation";
import type { Sampling } from "../../core/engine";
import type { RunId } from "../../core/ids";
import type { Model } from "../../core/modelRecord";
import type { Run } from "../../core/run";
import { ask, clearChat, stopAnswers, useChat } from "../../state/chat";
import type { Example } from "../../state/chatExamples";
import { useEngine } from "../../state/engine";
import { loadModels, modelName, modelOf, useModels } from "../../state/models";
import { loadRuns, useRuns } from "../../state/runs";
import { Button } from "../../ui/Button";
import { EmptyState } from "../../ui/EmptyState";
import { Page } from "../../ui/Page";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { Composer } from "./Composer";
import { Examples } from "./Examples";
import { PromptMarks } from "./PromptMarks";
import { SamplingForm } from "./SamplingForm";
import { TurnView } from "./TurnView";

const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };

type Sides = {
  /** Models that can be asked. */
  models: readonly Model[];
  /** The base, as recipes name it. */
  model: string;
  chooseModel: (name: string) => void;
  /** Runs on it whose adapter can be asked, newest first. */
  runs: readonly Run[];
  /** Runs on any model. */
  all: readonly Run[];
  run: Run | null;
  choose: (id: RunId) => void;
};

/** The base and the run that the address names; else the newest run and its base, or the embedded model. */
function useSides(): Sides {
  const state = useRuns();
  const known = useModels();
  const engine = useEngine();
  const [search, setSearch] = useSearchParams();
  useEffect(() => void loadRuns(), []);
  useEffect(() => {
    if (engine.status === "ready") void loadModels();
  }, [engine.status]);
  const models = known.status === "ready" ? known.models.filter(({ facts }) => facts) : [];
  const all = state.status === "ready" ? state.runs.filter(({ checkpoint }) => checkpoint > 0) : [];
  const asked = all.find(({ id }) => id === search.get("run"));
  const model = asked?.recipe.model ?? search.get("model") ?? all[0]?.recipe.model ?? "embedded";
  const runs = all.filter(({ recipe }) => recipe.model === model);
  return {
    models,
    model,
    chooseModel: (name) => setSearch({ model: name }, { replace: true }),
    runs,
    all,
    run: asked ?? runs[0] ?? null,
    choose: (id) => setSearch({ run: id }, { replace: true }),
  };
}

export default function PlaygroundPage() {
  const { t } = useTranslation();
  const sides = useSides();
  const { model, models, run } = sides;
  const { turns, asking } = useChat();
  const [prompt, setPrompt] = useState("");
  const [reference, setReference] = useState<Example | null>(null);
  const [sampling, setSampling] = useState(greedy);
  const [maxTokens, setMaxTokens] = useState(128);
  const [isRaw, setRaw] = useState(false);
  const isAsking = asking !== null;

  const send = (text: string, solution: string | null) => {
    void ask({
      model,
      ...promptTemplate(run, modelOf(model, models)),
      prompt: text,
      reference: solution,
      run: run && { id: run.id, name: run.name },
      maxTokens,
      sampling,
    });
  };
  const submit = () => {
    send(prompt, reference?.prompt === prompt ? reference.reference : null);
    setPrompt("");
  };
  return (
    <Page
      title={t("playground.title")}
      fill
      actions={
        <>
          <Switch value={isRaw} onChange={setRaw}>
            {t("playground.raw")}
          </Switch>
          {turns.length > 0 && (
            <Button variant="quiet" isDisabled={isAsking} onPress={clearChat}>
              {t("playground.clear")}
            </Button>
          )}
        </>
      }
    >
      <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <SideHeads {...sides} />
          <Turns isRaw={isRaw} runs={sides.all} onAgain={(turn) => send(turn.prompt, turn.reference)} />
          {run && methodOf(run.recipe.adaptation, "loar") && <PromptMarks run={run} prompt={prompt} />}
          <Composer
            value={prompt}
            onChange={setPrompt}
            onSubmit={submit}
            onStop={stopAnswers}
            isAsking={isAsking}
            action={run ? t("playground.ask") : t("playground.askBase")}
          />
        </div>
        <aside className="shrink-0 overflow-y-auto border-line max-lg:max-h-60 max-lg:border-t lg:w-72 lg:border-l">
          <Examples
            run={run}
            isDisabled={isAsking}
            onChoose={(example) => {
              setPrompt(example.prompt);
              setReference(example);
            }}
          />
          <SamplingForm sampling={sampling} onSampling={setSampling} maxTokens={maxTokens} onMaxTokens={setMaxTokens} />
        </aside>
      </div>
    </Page>
  );
}

/** The run's own, so that both sides read the very same text; without a run, the model's. */
function promptTemplate(run: Run | null, model: Model | undefined): { template?: string } {
  const template = run?.recipe.template ?? model?.facts?.template;
  return template ? { template: template.prompt } : {};
}

/** The heads of the two columns. */
function SideHeads({ models, model, chooseModel, runs, run, choose }: Sides) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  return (
    <div className="grid shrink-0 grid-cols-2 border-b border-line">
      <div className="flex min-w-0 flex-wrap items-center gap-x-2 border-r border-line px-4 py-1.5 lg:px-6">
        <h2 className="text-sm">{t("playground.base")}</h2>
        {models.length > 1 ? (
          <Select
            label={t("playground.model")}
            hideLabel
            className="max-w-72 flex-1"
            options={models.map(({ id, name }) => ({ id: modelName(id), label: name }))}
            value={model}
            onChange={chooseModel}
          />
        ) : (
          <span className="truncate text-xs text-muted">{t("playground.baseHint")}</span>
        )}
      </div>
      <div className="flex min-w-0 items-center gap-x-3 px-4 py-1.5">
        <h2 className="text-sm">{t("playground.tuned")}</h2>
        {run ? (
          <Select
            label={t("playground.run")}
            hideLabel
            className="max-w-72 flex-1"
            options={runs.map(({ id, name }) => ({ id, label: name }))}
            value={run.id}
            onChange={choose}
          />
        ) : (
          <>
            <span className="truncate text-xs text-muted max-sm:hidden">{t("playground.noRun")}</span>
            <Button size="sm" onPress={() => navigate("/")}>
              {t("playground.toStudio")}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}

type TurnsProps = {
  isRaw: boolean;
  runs: readonly Run[];
  onAgain: (turn: { prompt: string; reference: string | null }) => void;
};

function Turns({ isRaw, runs, onAgain }: TurnsProps) {
  const { t } = useTranslation();
  const { turns, asking } = useChat();
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = scroller.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [turns]);
  if (turns.length === 0) {
    return (
      <div className="flex min-h-40 flex-1 overflow-y-auto">
        <EmptyState icon="playground" title={t("playground.empty")}>
          {t("playground.emptyHint")}
        </EmptyState>
      </div>
    );
  }
  return (
    <div
      ref={scroller}
      className="min-h-40 flex-1 overflow-y-auto"
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}
    >
      <ol aria-label={t("playground.history")}>
        {turns.map((turn) => (
          <TurnView
            key={turn.id}
            turn={turn}
            tuned={runs.find(({ id }) => id === turn.run?.id) ?? null}
            isRaw={isRaw}
            onAgain={asking ? null : () => onAgain(turn)}
          />
        ))}
      </ol>
    </div>
  );
}
