/** @file One prompt and all answers to it: what each was worth by every reward, and which tokens that pushed. */

import { memo, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Completion, Group } from "../../core/metrics";
import { stripTemplate } from "../../state/chatExamples";
import { hasEndToken, type Rightness } from "../../state/groupSearch";
import { type Palette, type Scale, strength } from "../../ui/charts/scale";
import { formatCount, formatNumber } from "../../ui/formatQuantity";
import { Term } from "../../ui/Term";
import { TintedText } from "../../ui/TintedText";
import { useTurn } from "../../ui/useTurn";
import { Mark } from "../../ui/WorkedLines";
import { byReward, groupSpread, meanOf, type TokenColour, teachesNothing } from "./groupView";

export type CardProps = {
  number: number;
  group: Group;
  names: readonly string[];
  template: string;
  right: Rightness;
  colour: TokenColour;
  /** Of the tokens; and of the bars, which are of advantages always. */
  scale: Scale;
  barScale: Scale;
  palette: Palette;
  /** The answer that was looked for, by its place in the group as it is stored. */
  chosen: number | null;
};

const short = (value: number) => (Number.isFinite(value) ? formatNumber(value, 3) : "–");
export const signed = (value: number) =>
  Number.isFinite(value) ? `${value > 0 ? "+" : value < 0 ? "−" : ""}${formatNumber(Math.abs(value), 3)}` : "–";

export const GroupCard = memo(function GroupCard(props: CardProps) {
  const { number, group, names, template } = props;
  const { t } = useTranslation();
  const { mean, spread } = groupSpread(group);
  const count = group.completions.length;
  return (
    <article aria-label={t("groups.card", { number })} className="min-w-0 border-b border-line px-4 py-3 lg:px-6">
      <header className="flex flex-wrap items-baseline gap-x-3">
        <h2 className="text-sm">{t("groups.card", { number })}</h2>
        <p className="text-xs text-muted">{t("groups.summary", { count, mean: short(mean), spread: short(spread) })}</p>
      </header>
      <p className="mt-1 max-w-180 text-sm break-words whitespace-pre-wrap">{stripTemplate(group.prompt, template)}</p>
      <details className="mt-1 text-xs text-muted">
        <summary className="w-fit cursor-default rounded-sm">{t("groups.reference")}</summary>
        <p className="mt-1 border-l-2 border-line pl-3 font-mono break-words whitespace-pre-wrap">
          {group.reference === "" ? t("groups.noReference") : group.reference}
        </p>
      </details>
      {teachesNothing(group) && (
        <p className="mt-2 w-fit rounded-md bg-warn-soft px-2 py-1 text-xs text-warn">{t("groups.same", { count })}</p>
      )}
      <div className="mt-2 overflow-x-auto">
        <table aria-label={t("groups.answers", { number })} className="w-full border-collapse text-sm">
          <thead>
            <tr className="border-b border-line text-right text-xs whitespace-nowrap text-muted">
              <th scope="col" className="h-7 w-8 text-left font-normal">
                <span className="sr-only">{t("groups.judged")}</span>
              </th>
              <th scope="col" className="pr-4 font-normal">
                {t("groups.reward")}
              </th>
              {names.map((name) => (
                <th key={name} scope="col" className="pr-4 font-mono font-normal">
                  {name}
                </th>
              ))}
              <th scope="col" className="pr-4 text-left font-normal">
                <Term name="advantage" />
              </th>
              <th scope="col" className="pr-4 font-normal">
                {t("groups.tokens")}
              </th>
              <th scope="col" className="w-full text-left font-normal">
                {t("groups.ended")}
              </th>
            </tr>
          </thead>
          {byReward(group).map(({ completion, index }) => (
            <AnswerInTurn key={index} {...props} completion={completion} index={index} />
          ))}
        </table>
      </div>
    </article>
  );
});

/** Brings it to the middle of what scrolls around it, and moves nothing beyond: the page's frame stands still. */
function centre(element: HTMLElement) {
  let around = element.parentElement;
  const scrolls = (one: HTMLElement) =>
    one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY === "auto";
  while (around && !scrolls(around)) around = around.parentElement;
  if (!around) return;
  const [inner, outer] = [element.getBoundingClientRect(), around.getBoundingClientRect()];
  around.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
}

type AnswerProps = CardProps & { completion: Completion; index: number };

function AnswerInTurn(props: AnswerProps) {
  const shown = useTurn(props);
  return shown && <Answer {...shown} />;
}

const Answer = memo(function Answer(props: AnswerProps) {
  const { group, names, right, colour, scale, barScale, palette, chosen, completion, index } = props;
  const { t } = useTranslation();
  const { tokens, rewards, reward, advantages, change, finished } = completion;
  const isRight = right(names, group, completion);
  const isChosen = chosen === index;
  const row = useRef<HTMLTableSectionElement>(null);
  useEffect(() => {
    if (isChosen && row.current) centre(row.current);
  }, [isChosen]);
  const values = colour === "advantage" ? advantages : (change ?? []);
  const describe = (at: number) => {
    const pushed = t("groups.readAdvantage", {
      value: signed(advantages[advantages.length === 1 ? 0 : at] ?? Number.NaN),
    });
    const moved = change?.[at];
    return moved === undefined ? pushed : `${pushed} · ${t("groups.readChange", { value: signed(moved) })}`;
  };
  return (
    <tbody
      ref={row}
      aria-current={isChosen ? "true" : undefined}
      className={`border-b border-line/70 last:border-0 ${isChosen ? "bg-accent-soft/60" : ""}`}
    >
      <tr className="text-right font-mono whitespace-nowrap">
        <td className="h-8 text-left">
          {isRight === null ? <span className="sr-only">{t("groups.unjudged")}</span> : <Mark isRight={isRight} />}
        </td>
        <td className="pr-4 font-semibold">{short(reward)}</td>
        {names.map((name, i) => (
          <td key={name} className="pr-4">
            {rewards[i] === null || rewards[i] === undefined ? (
              <span className="text-faint" title={t("groups.notApplicable")}>
                –
              </span>
            ) : (
              short(rewards[i])
            )}
          </td>
        ))}
        <td className="pr-4">
          <SignedBar value={meanOf(advantages)} scale={barScale} />
        </td>
        <td className="pr-4">{formatCount(tokens.length)}</td>
        <td className={`text-left font-sans text-xs ${finished ? "text-muted" : "text-warn"}`}>
          {t(finished ? "groups.finished" : "groups.cut")}
        </td>
      </tr>
      <tr>
        <td />
        <td colSpan={names.length + 4} className="pb-1">
          {tokens.length === 0 ? (
            <p className="pb-2 text-xs text-faint">{t("groups.emptyText")}</p>
          ) : (
            <TintedText
              label={t("groups.text", { number: index + 1 })}
              tokens={tokens}
              values={values}
              scale={scale}
              palette={palette}
              describe={describe}
              end={hasEndToken(completion) ? t("groups.endToken") : undefined}
              more={(count) => t("groups.tokensMore", { count: formatCount(count) })}
            />
          )}
        </td>
      </tr>
    </tbody>
  );
});

/** A bar from the middle to its side, with its number. */
function SignedBar({ value, scale }: { value: number; scale: Scale }) {
  const half = 24;
  const length = Number.isFinite(value) ? half * Math.abs(strength(scale, value)) : 0;
  return (
    <span className="flex items-center gap-2">
      <svg width={2 * half + 1} height="10" aria-hidden="true" className="shrink-0">
        <rect
          x={value < 0 ? half - length : half}
          y="1"
          width={length}
          height="8"
          fill={value < 0 ? "var(--series-1)" : "var(--series-2)"}
        />
        <line x1={half + 0.5} x2={half + 0.5} y1="0" y2="10" stroke="var(--edge)" />
      </svg>
      <span className="min-w-12 text-left">{signed(value)}</span>
    </span>
  );
}
