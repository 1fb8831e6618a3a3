/** @file Looking for answers in all steps of a run: by text, by reward, right, wrong or cut; each result opens its place. */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Run } from "../../core/run";
import { anyGroup, type Found, type GroupWish } from "../../state/groupSearch";
import { closeSearch, mostFound, type Search, searchGroups, stopSearch, useGroups } from "../../state/groups";
import { Button } from "../../ui/Button";
import { Segments } from "../../ui/charts/Segments";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatCount, formatNumber } from "../../ui/formatQuantity";
import { Icon } from "../../ui/Icon";
import { TextField } from "../../ui/TextField";
import { visible } from "../../ui/TokenText";
import { Mark } from "../../ui/WorkedLines";

type SearchProps = { run: Run; onFound: (found: Found) => void };

const kinds = ["all", "right", "wrong", "clipped"] as const;

/** Null for an empty field, NaN for what is no number. */
const parseEnd = (text: string): number | null => (text.trim() === "" ? null : Number(text));

export function GroupSearch({ run, onFound }: SearchProps) {
  const { t } = useTranslation();
  const search = useGroups((state) => state.search);
  const [wish, setWish] = useState<GroupWish>(search?.wish ?? anyGroup);
  const [ends, setEnds] = useState({ low: "", high: "" });
  useEffect(() => closeSearch, []);
  const [low, high] = [parseEnd(ends.low), parseEnd(ends.high)];
  const isWrong = (end: number | null) => end !== null && !Number.isFinite(end);
  const errorOf = (end: number | null) => (isWrong(end) ? t("field.notNumber") : undefined);
  const [isOpen, setOpen] = useState(false);
  const isSearching = search?.status === "searching";
  return (
    <aside
      aria-label={t("groups.search.title")}
      className="flex shrink-0 flex-col border-line max-lg:order-1 max-lg:border-b lg:order-2 lg:w-90 lg:overflow-y-auto lg:border-l"
    >
      {/* on a narrow page the answers come first */}
      <button
        type="button"
        aria-expanded={isOpen}
        className="flex items-center gap-2 px-4 py-2 text-left text-sm lg:hidden"
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="search" size={14} />
        {t("groups.search.title")}
        <Icon name={isOpen ? "up" : "down"} size={14} className="ml-auto text-faint" />
      </button>
      <form
        role="search"
        className={`flex flex-col gap-2 px-4 py-3 ${isOpen ? "" : "max-lg:hidden"}`}
        onSubmit={(event) => {
          event.preventDefault();
          if (isSearching) stopSearch();
          else if (!isWrong(low) && !isWrong(high)) void searchGroups(run.id, run.recipe, { ...wish, low, high });
        }}
      >
        <TextField label={t("groups.search.text")} value={wish.text} onChange={(text) => setWish({ ...wish, text })} />
        <div className="flex items-start gap-2">
          <TextField
            className="w-28"
            label={t("groups.search.low")}
            value={ends.low}
            onChange={(low) => setEnds({ ...ends, low })}
            error={errorOf(low)}
            mono
          />
          <TextField
            className="w-28"
            label={t("groups.search.high")}
            value={ends.high}
            onChange={(high) => setEnds({ ...ends, high })}
            error={errorOf(high)}
            mono
          />
        </div>
        <div className="flex flex-wrap items-center justify-between gap-2">
          <Segments
            label={t("groups.search.only")}
            options={kinds.map((id) => ({ id, label: t(`groups.search.${id}`) }))}
            value={wish.only}
            onChange={(only) => setWish({ ...wish, only })}
          />
          <Button type="submit" size="sm" icon={isSearching ? "stop" : "search"}>
            {t(isSearching ? "groups.search.stop" : "groups.search.go")}
          </Button>
        </div>
      </form>
      {search && <Results search={search} onFound={onFound} />}
    </aside>
  );
}

function Results({ search, onFound }: { search: Search; onFound: (found: Found) => void }) {
  const { t } = useTranslation();
  const { found, status, searched } = search;
  const count = found.length;
  const words =
    count === 0
      ? status === "done" && !search.isCut && t("groups.search.nothing")
      : count === mostFound
        ? t("groups.search.cut", { count })
        : t("groups.search.found", { count });
  return (
    <>
      <p aria-live="polite" className="px-4 pb-2 text-xs text-muted">
        {[words, status === "searching" && t("groups.search.going", { count: searched })].filter(Boolean).join(" ")}
      </p>
      {status === "failed" && <ErrorNotice error={search.error} className="mx-4 mb-3" />}
      {count > 0 && (
        <ul
          aria-label={t("groups.search.results")}
          className="border-t border-line max-lg:max-h-60 max-lg:overflow-y-auto"
        >
          {found.map((one) => (
            <Result
              key={`${one.step}.${one.group}.${one.completion}`}
              found={one}
              wish={search.wish}
              onFound={onFound}
            />
          ))}
        </ul>
      )}
    </>
  );
}

/** Characters of an answer around what was looked for. */
const around = 60;

function excerpt(text: string, wanted: string): string {
  const at = Math.max(0, text.toLowerCase().indexOf(wanted.trim().toLowerCase()));
  const from = Math.max(0, at - around / 2);
  return `${from > 0 ? "…" : ""}${visible(text.slice(from, from + 2 * around))}${from + 2 * around < text.length ? "…" : ""}`;
}

type ResultProps = { found: Found; wish: GroupWish; onFound: (found: Found) => void };

function Result({ found, wish, onFound }: ResultProps) {
  const { t } = useTranslation();
  const { step, group, reward, isRight, finished, text } = found;
  const judged = isRight === null ? t("groups.unjudged") : t(isRight ? "groups.right" : "groups.wrong");
  const worth = Number.isFinite(reward) ? formatNumber(reward, 3) : "–";
  return (
    <li className="border-b border-line/70">
      <button
        type="button"
        className="flex w-full cursor-default flex-col gap-0.5 px-4 py-1.5 text-left outline-offset-[-2px] hover:bg-hover/60"
        aria-label={t("groups.search.result", { step: formatCount(step), group: group + 1, reward: worth, judged })}
        onClick={() => onFound(found)}
      >
        <span className="flex items-center gap-2 font-mono text-xs text-muted">
          {t("groups.at", { step: formatCount(step) })}
          <span>{t("groups.card", { number: group + 1 })}</span>
          <span className="flex-1" />
          {!finished && <span className="font-sans text-warn">{t("groups.cut")}</span>}
          {isRight !== null && <Mark isRight={isRight} />}
          <span className="text-ink">{worth}</span>
        </span>
        <span className="line-clamp-2 font-mono text-xs break-words">{excerpt(text, wish.text)}</span>
      </button>
    </li>
  );
}
