/** @file A worked answer: its text line by line, each step with a mark, the final answer. Text only, never HTML. */

import { useTranslation } from "react-i18next";
import { formatNumber } from "./formatQuantity";
import { Icon } from "./Icon";

export type WorkedPiece =
  | { kind: "text"; text: string }
  | { kind: "step"; text: string; isRight: boolean; value: number | null }
  | { kind: "final"; text: string; isRight: boolean | null };

type WorkedLinesProps = {
  lines: readonly (readonly WorkedPiece[])[];
  /** A cursor at the end, while more is to come. */
  isWriting?: boolean;
};

export function WorkedLines({ lines, isWriting }: WorkedLinesProps) {
  const { t } = useTranslation();
  if (lines.length === 0 && !isWriting) return <p className="text-sm text-faint italic">{t("run.worked.noText")}</p>;
  const rows = lines.length === 0 ? [[]] : lines;
  return (
    <div className="flex flex-col gap-0.5 text-sm leading-6 break-words">
      {rows.map((pieces, row) => (
        <p key={row} className="min-h-6 whitespace-pre-wrap">
          {pieces.map((piece, i) => (
            <Piece key={`${i}${piece.kind}`} piece={piece} />
          ))}
          {isWriting && row === rows.length - 1 && (
            <span aria-hidden="true" className="ml-px inline-block h-4 w-1.5 translate-y-0.5 bg-accent" />
          )}
        </p>
      ))}
    </div>
  );
}

function Piece({ piece }: { piece: WorkedPiece }) {
  const { t } = useTranslation();
  if (piece.kind === "text") return piece.text;
  if (piece.kind === "final") {
    return (
      <span className="inline-flex items-baseline gap-2 font-medium">
        <span className="text-muted">{t("run.worked.final")}</span>
        <span className="font-mono">{piece.text}</span>
        {piece.isRight !== null && <Mark isRight={piece.isRight} />}
      </span>
    );
  }
  return (
    <span
      className={`mx-0.5 inline-flex items-baseline gap-1 rounded-sm px-1 font-mono ${piece.isRight ? "bg-good-soft" : "bg-bad-soft"}`}
    >
      {piece.text}
      <Mark isRight={piece.isRight} />
      {piece.value !== null && (
        <span className="text-xs text-muted">{t("run.worked.should", { value: formatNumber(piece.value) })}</span>
      )}
    </span>
  );
}

/** Told by shape and word, not by colour alone. */
export function Mark({ isRight }: { isRight: boolean }) {
  const { t } = useTranslation();
  return (
    <span
      role="img"
      aria-label={t(isRight ? "run.worked.right" : "run.worked.wrong")}
      className={isRight ? "text-good" : "text-bad"}
    >
      <Icon name={isRight ? "check" : "close"} size={12} className="inline translate-y-px" />
    </span>
  );
}
