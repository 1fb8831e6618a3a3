/** @file A small editor for a user's own function: numbered lines, the line that fails marked, and a tab key that moves on unless asked. */

import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { indentLines } from "./indentLines";
import { Switch } from "./Switch";

/** Height of a line and of the space above the first, in pixels: `leading-5` and `py-1.5`. */
const [lineHeight, above] = [20, 6];

export type CodeFault = { text: string; line: number | null; column: number | null };

type CodeProps = {
  label: string;
  value: string;
  onChange: (code: string) => void;
  fault: CodeFault | null;
};

export function RewardCode({ label, value, onChange, fault }: CodeProps) {
  const { t } = useTranslation();
  const [isTabTaken, setTabTaken] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const [noteId, faultId] = [useId(), useId()];
  const lines = value.split("\n");

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const { key, currentTarget: at } = event;
    if (key === "m" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      setTabTaken(!isTabTaken);
    } else if (key === "Escape") {
      setTabTaken(false);
    } else if (key === "Tab" && isTabTaken) {
      event.preventDefault();
      const next = indentLines({ text: value, start: at.selectionStart, end: at.selectionEnd }, event.shiftKey);
      at.value = next.text;
      at.setSelectionRange(next.start, next.end);
      onChange(next.text);
    }
  };
  const goTo = (line: number, column: number) => {
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const at = before + Math.min(column - 1, lines[line - 1]?.length ?? 0);
    area.current?.focus();
    area.current?.setSelectionRange(at, at);
  };

  return (
    <div className="flex min-w-0 flex-col gap-1">
      <span aria-hidden="true" className="text-xs text-muted">
        {label}
      </span>
      <div
        className={`flex max-h-96 overflow-y-auto rounded-md border bg-surface font-mono text-xs leading-5 focus-within:outline-2 focus-within:outline-accent ${fault ? "border-bad" : "border-line"}`}
      >
        <div aria-hidden="true" className="shrink-0 self-start py-1.5 text-right text-faint select-none">
          {lines.map((_, i) => (
            // A line is its number.
            <div key={i} className={`min-w-8 pr-2 pl-2 ${fault?.line === i + 1 ? "bg-bad-soft text-bad" : ""}`}>
              {i + 1}
            </div>
          ))}
        </div>
        <div className="relative min-w-0 flex-1">
          {fault?.line && (
            <div
              aria-hidden="true"
              className="absolute inset-x-0 bg-bad-soft"
              style={{ top: above + (fault.line - 1) * lineHeight, height: lineHeight }}
            />
          )}
          <textarea
            ref={area}
            aria-label={label}
            aria-invalid={fault !== null}
            aria-describedby={`${noteId} ${faultId}`}
            value={value}
            rows={Math.max(6, lines.length + 1)}
            wrap="off"
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            className="relative block w-full resize-none overflow-x-auto overflow-y-hidden border-l border-line bg-transparent px-2 py-1.5 text-ink outline-none"
            onChange={(event) => onChange(event.target.value)}
            onKeyDown={onKeyDown}
          />
        </div>
      </div>
      <div id={faultId} role="alert" className="text-xs text-bad empty:hidden">
        {fault && (
          <>
            {fault.line !== null && (
              <button
                type="button"
                className="mr-1.5 cursor-default rounded-sm underline underline-offset-2"
                onClick={() => goTo(fault.line ?? 1, fault.column ?? 1)}
              >
                {t("rewards.goTo", { line: fault.line, column: fault.column ?? 1 })}
              </button>
            )}
            {fault.text}
          </>
        )}
      </div>
      <div id={noteId} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 text-xs text-faint">
        <p className="min-w-60 flex-1">{t("rewards.codeNote")}</p>
        <span className="flex items-center gap-2" title={t("rewards.tabNote")}>
          <Switch value={isTabTaken} onChange={setTabTaken}>
            <span className="text-xs text-muted">{t("rewards.tabIndents")}</span>
          </Switch>
        </span>
      </div>
    </div>
  );
}
