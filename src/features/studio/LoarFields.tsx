/** @file The fields of LoAR: what marks change, what finds them, and the user's own expressions, each with its error beside it. */

import { useTranslation } from "react-i18next";
import { methodOf, newMethod } from "../../core/adaptation";
import { type Annotator, profileNames } from "../../core/annotator";
import { wrongField } from "../../core/recipe";
import { usePreview } from "../../state/plan";
import { useStudio } from "../../state/studio";
import { Button, IconButton } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { Term } from "../../ui/Term";
import { TextField } from "../../ui/TextField";
import { translate } from "../../ui/words/translate";
import { changeMethod } from "./changeMethod";
import { useMethodPath } from "./MethodEntry";

/** What people begin with: a number. */
const firstPattern = "[0-9]+";

const newAnnotator = (kind: Annotator["kind"]): Annotator =>
  kind === "patterns" ? { kind, patterns: [firstPattern] } : { kind };

export function LoarFields() {
  const { t } = useTranslation();
  const { mode, annotator } = useStudio(({ draft }) => methodOf(draft.adaptation, "loar")) ?? newMethod("loar");
  return (
    <>
      <Select
        term="loarMode"
        value={mode}
        options={(["soft", "hard", "gate", "literal"] as const).map((id) => ({
          id,
          label: t(`studio.loarMode.${id}`),
          description: t(`studio.loarModeWhy.${id}`),
        }))}
        onChange={(next) => changeMethod("loar", { mode: next })}
      />
      <Select
        term="annotator"
        value={annotator.kind}
        options={([...profileNames, "patterns", "spans"] as const).map((id) => ({
          id,
          label: t(`studio.annotator.${id}`),
        }))}
        onChange={(kind) => changeMethod("loar", { annotator: newAnnotator(kind) })}
      />
      {annotator.kind === "patterns" && <Patterns patterns={annotator.patterns} />}
    </>
  );
}

/** The error of each expression: the recipe's own, or what RE2 says when a row is marked by it. */
function usePatternErrors(): (at: number) => string | undefined {
  const { t } = useTranslation();
  const path = useMethodPath("loar");
  const problem = useStudio((state) => state.problem);
  const failure = usePreview((state) => (state.status === "failed" ? state.error : null));
  return (at) => {
    if (problem?.field === `${path}.annotator.patterns.${at}`) return translate(t, problem.message);
    const wrong = wrongField(failure);
    return wrong?.field === `annotator.patterns.${at}` ? translate(t, wrong.what) : undefined;
  };
}

function Patterns({ patterns }: { patterns: string[] }) {
  const { t } = useTranslation();
  const errorOf = usePatternErrors();
  const change = (next: string[]) => changeMethod("loar", { annotator: { kind: "patterns", patterns: next } });
  return (
    <div className="col-span-2 flex flex-col gap-1.5" role="group" aria-label={t("terms.patterns.word")}>
      <span className="text-xs text-muted">
        <Term name="patterns" />
      </span>
      {patterns.map((pattern, at) => (
        // An expression is its line.
        <div key={at} className="flex items-start gap-1">
          <TextField
            label={t("studio.advanced.pattern", { number: at + 1 })}
            hideLabel
            mono
            className="flex-1"
            value={pattern}
            error={errorOf(at)}
            onChange={(text) => change(patterns.map((other, i) => (i === at ? text : other)))}
          />
          <IconButton
            icon="close"
            label={t("studio.advanced.removePattern", { number: at + 1 })}
            isDisabled={patterns.length === 1}
            onPress={() => change(patterns.filter((_, i) => i !== at))}
          />
        </div>
      ))}
      <Button
        size="sm"
        variant="quiet"
        icon="plus"
        className="self-start"
        onPress={() => change([...patterns, firstPattern])}
      >
        {t("studio.advanced.addPattern")}
      </Button>
    </div>
  );
}
