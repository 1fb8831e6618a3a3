/** @file One question with its two answers. What a model writes is text, never HTML. */

import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Run } from "../../core/run";
import type { Answer, Side, Turn } from "../../state/chat";
import { parseWorkedAnswer, splitThinking } from "../../state/chatWorked";
import { IconButton } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatCount, formatNumber } from "../../ui/formatQuantity";
import { Mark, WorkedLines } from "../../ui/WorkedLines";
import { AttentionView } from "./AttentionView";
import { Thumbs } from "./Thumbs";

type TurnViewProps = {
  turn: Turn;
  /** The tuned side's, where it is still there. */
  tuned: Run | null;
  isRaw: boolean;
  onAgain: (() => void) | null;
};

export function TurnView({ turn, tuned, isRaw, onAgain }: TurnViewProps) {
  const { t } = useTranslation();
  const { prompt, reference, sampling, run, answers } = turn;
  const solution = useMemo(() => (reference === null ? null : parseWorkedAnswer(reference, null)), [reference]);
  const { temperature, seed } = sampling;
  return (
    <li className="border-b border-line">
      <div className="flex items-start gap-3 px-4 pt-3 lg:px-6">
        <p className="min-w-0 flex-1 font-medium break-words whitespace-pre-wrap">{prompt}</p>
        <span className="shrink-0 pt-0.5 text-xs text-faint max-sm:hidden">
          {temperature === 0
            ? t("playground.greedy")
            : t("playground.sample", { temperature: formatNumber(temperature, 3), seed })}
        </span>
        <IconButton
          size="sm"
          icon="reset"
          label={t("playground.again")}
          isDisabled={!onAgain}
          onPress={() => onAgain?.()}
        />
      </div>
      {solution && (
        <details className="px-4 text-xs text-muted lg:px-6">
          <summary className="w-fit cursor-default rounded-sm">{t("playground.reference")}</summary>
          <div className="my-1 border-l-2 border-line pl-3">
            <WorkedLines lines={solution.lines} />
          </div>
        </details>
      )}
      {tuned && <AttentionView turn={turn.id} prompt={prompt} run={tuned} />}
      <div className="grid gap-y-2 py-2 sm:grid-cols-2">
        <div className="min-w-0 border-line sm:border-r">
          <AnswerView
            side="base"
            answer={answers.base}
            reference={reference}
            isRaw={isRaw}
            name={t("playground.base")}
          />
          <Thumbs turn={turn} side="base" name={t("playground.base")} />
        </div>
        {run && (
          <div className="min-w-0 border-line max-sm:border-t max-sm:pt-2">
            <AnswerView side="tuned" answer={answers.tuned} reference={reference} isRaw={isRaw} name={run.name} />
            <Thumbs turn={turn} side="tuned" name={run.name} />
          </div>
        )}
      </div>
    </li>
  );
}

type AnswerViewProps = { side: Side; answer: Answer; reference: string | null; isRaw: boolean; name: string };

const AnswerView = memo(function AnswerView({ side, answer, reference, isRaw, name }: AnswerViewProps) {
  const { t } = useTranslation();
  const text = answer.status === "waiting" ? "" : answer.text;
  const isWriting = answer.status === "writing";
  const { thinking, isOver, said } = useMemo(() => splitThinking(text), [text]);
  const worked = useMemo(() => parseWorkedAnswer(said.trimStart(), reference), [said, reference]);
  return (
    <section
      aria-label={name}
      aria-busy={isWriting || answer.status === "waiting"}
      className={`min-w-0 px-4 ${side === "base" ? "lg:pl-6" : ""}`}
    >
      <h3 className="text-xs font-normal text-faint sm:sr-only">{name}</h3>
      {answer.status === "waiting" ? (
        <p className="text-sm text-faint">{t("playground.waiting")}</p>
      ) : isRaw ? (
        <pre className="overflow-x-auto font-mono text-xs leading-5 whitespace-pre-wrap">{text}</pre>
      ) : (
        <>
          {thinking !== "" && (
            <details className="mb-1 text-xs text-muted">
              <summary className="w-fit cursor-default rounded-sm">
                {t(isOver || !isWriting ? "playground.thinking" : "playground.thinkingNow")}
              </summary>
              <p className="my-1 border-l-2 border-line pl-3 leading-5 break-words whitespace-pre-wrap">{thinking}</p>
            </details>
          )}
          {(said !== "" || (thinking === "" && answer.status !== "failed")) && (
            <WorkedLines lines={worked.lines} isWriting={isWriting} />
          )}
        </>
      )}
      {answer.status === "failed" && <ErrorNotice error={answer.error} className="mt-2" />}
      <p className="mt-1 flex min-h-4 flex-wrap gap-x-3 text-xs text-muted">
        {answer.status === "done" && (
          <span>
            {t("playground.speed", {
              tokens: formatCount(answer.tokens),
              speed: formatCount(answer.tokens / Math.max(answer.seconds, 1e-3)),
            })}
          </span>
        )}
        {answer.status === "stopped" && <span>{t("playground.stopped")}</span>}
        {answer.status === "done" && worked.steps > 0 && (
          <span>{t("playground.stepsRight", { right: worked.rightSteps, steps: worked.steps })}</span>
        )}
        {answer.status === "done" && worked.flexible !== null && (
          <span className="flex items-center gap-1">
            {t(worked.flexible ? "playground.answerRight" : "playground.answerWrong")}
            <Mark isRight={worked.flexible} />
          </span>
        )}
      </p>
      <p aria-live="polite" className="sr-only">
        {answer.status === "done" ? t("playground.live", { side: name, text }) : ""}
      </p>
    </section>
  );
});
