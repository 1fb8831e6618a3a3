/** @file Base and tuned model side by side: one question, the same seed, two answers. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearchParams } from "wouter";
import { methodOf } from "../../core/adaptation";
import type { TrainedId } from "../../core/adapterRecord";
import type { Sampling } from "../../core/engine";
import type { Model } from "../../core/modelRecord";
import type { Run } from "../../core/run";
import { listTrained, loadAdapters, type Trained, useAdapters } from "../../state/adapters";
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
  /** What was trained on it and can be asked: runs, newest first, then the library's adapters. */
  trained: readonly Trained[];
  /** Runs on any model. */
  runs: readonly Run[];
  tuned: Trained | null;
  choose: (id: TrainedId) => void;
};

/** The base, and the run or adapter that the address names; else the newest run and its base, or the embedded model. */
function useSides(): Sides {
  const state = useRuns();
  const library = useAdapters();
  const known = useModels();
  const engine = useEngine();
  const [search, setSearch] = useSearchParams();
  useEffect(() => {
    void loadRuns();
    void loadAdapters();
  }, []);
  useEffect(() => {
    if (engine.status === "ready") void loadModels();
  }, [engine.status]);
  const models = known.status === "ready" ? known.models.filter(({ facts }) => facts) : [];
  const runs = state.status === "ready" ? state.runs : [];
  const all = listTrained(runs, library.status === "ready" ? library.adapters : []);
  const asked = all.find(({ id }) => id === search.get("run"));
  const model = asked?.model ?? search.get("model") ?? all[0]?.model ?? "embedded";
  const trained = all.filter((each) => each.model === model);
  return {
    models,
    model,
    chooseModel: (name) => setSearch({ model: name }, { replace: true }),
    trained,
    runs,
    tuned: asked ?? trained[0] ?? null,
    choose: (id) => setSearch({ run: id }, { replace: true }),
  };
}

export default function PlaygroundPage() {
  const { t } = useTranslation();
  const sides = useSides();
  const { model, models, tuned } = sides;
  const run = tuned?.from.kind === "run" ? tuned.from.run : null;
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
      ...promptTemplate(tuned, modelOf(model, models)),
      prompt: text,
      reference: solution,
      run: tuned && { id: tuned.id, name: tuned.name },
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
          <Turns isRaw={isRaw} runs={sides.runs} onAgain={(turn) => send(turn.prompt, turn.reference)} />
          {tuned && methodOf(tuned.adaptation, "loar") && <PromptMarks run={tuned.id} prompt={prompt} />}
          <Composer
            value={prompt}
            onChange={setPrompt}
            onSubmit={submit}
            onStop={stopAnswers}
            isAsking={isAsking}
            action={tuned ? t("playground.ask") : t("playground.askBase")}
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

/** That of what was trained, so that both sides read the very same text; without it, the model's. */
function promptTemplate(tuned: Trained | null, model: Model | undefined): { template?: string } {
  const template = tuned?.template ?? model?.facts?.template;
  return template ? { template: template.prompt } : {};
}

/** The heads of the two columns. */
function SideHeads({ models, model, chooseModel, trained, tuned, choose }: Sides) {
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
        {tuned ? (
          <Select
            label={t("playground.run")}
            hideLabel
            className="max-w-72 flex-1"
            options={trained.map(({ id, name, from }) => ({
              id,
              label: name,
              description: t(from.kind === "run" ? "playground.ofRun" : "playground.ofLibrary"),
            }))}
            value={tuned.id}
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
