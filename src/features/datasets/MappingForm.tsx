/** @file Which column plays which part, and what the first rows become under that choice. */

import { useTranslation } from "react-i18next";
import type { DatasetFormat, Example, Inspection, Mapping } from "../../core/dataset";
import type { Said } from "../../core/say";
import { changeMapping, renameImport } from "../../state/imports";
import { formatBytes } from "../../ui/formatQuantity";
import { Select } from "../../ui/Select";
import { TextField } from "../../ui/TextField";
import { translate } from "../../ui/words/translate";

/** No column; a column's own name never starts with this. */
const none = "\u0000none";
const shownRows = 6;

type Props = { file: File; name: string; inspection: Inspection; mapping: Mapping };

/** What the columns allow, and the two forms that any columns allow. */
function choices({ candidates, columns }: Inspection): Mapping[] {
  const [first = "", second = first] = columns;
  const always: Mapping[] = [
    { format: "prompt-completion", prompt: [first], completion: second, turns: "" },
    { format: "text", prompt: [], completion: first, turns: "" },
  ];
  return [...candidates, ...always.filter(({ format }) => !candidates.some((each) => each.format === format))];
}

export function MappingForm({ file, name, inspection, mapping }: Props) {
  const { t } = useTranslation();
  const offered = choices(inspection);
  return (
    <div className="flex flex-col gap-4">
      <p className="text-muted">
        {t("datasets.import.found", {
          container: t(`datasets.import.container.${inspection.container}`),
          size: formatBytes(file.size),
          columns: inspection.columns.slice(0, 12).join(", ") + (inspection.columns.length > 12 ? ", …" : ""),
        })}
      </p>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label={t("datasets.import.name")} value={name} onChange={renameImport} />
        <Select<DatasetFormat>
          label={t("datasets.import.format")}
          note={t("datasets.import.formatNote")}
          value={mapping.format}
          options={offered.map(({ format }) => ({ id: format, label: t(`datasets.format.${format}`) }))}
          onChange={(format) => {
            const chosen = offered.find((each) => each.format === format);
            if (chosen) void changeMapping(chosen);
          }}
        />
        <Columns columns={inspection.columns} mapping={mapping} />
      </div>
      <section aria-label={t("datasets.import.preview")} className="flex flex-col">
        <h3 className="mb-1 text-sm">{t("datasets.import.preview")}</h3>
        <div className="grid grid-cols-2 gap-4 border-b border-line pb-1 text-xs text-muted">
          <span>{t("datasets.import.previewPrompt")}</span>
          <span>{t("datasets.import.previewCompletion")}</span>
        </div>
        {inspection.examples.slice(0, shownRows).map((example, i) => (
          <ExampleRow key={i} example={example} />
        ))}
      </section>
    </div>
  );
}

function Columns({ columns, mapping }: { columns: readonly string[]; mapping: Mapping }) {
  const { t } = useTranslation();
  const options = columns.map((column) => ({ id: column, label: column }));
  const change = (changes: Partial<Mapping>) => void changeMapping({ ...mapping, ...changes });
  if (mapping.format === "sharegpt" || mapping.format === "messages") {
    return (
      <Select
        label={t("datasets.import.turns")}
        value={mapping.turns}
        options={options}
        onChange={(turns) => change({ turns })}
      />
    );
  }
  if (mapping.format === "text") {
    return (
      <Select
        label={t("datasets.import.text")}
        value={mapping.completion}
        options={options}
        onChange={(completion) => change({ completion })}
      />
    );
  }
  const parts = [...mapping.prompt, none].slice(0, columns.length);
  return (
    <>
      <div className="flex flex-col gap-2">
        {parts.map((column, i) => (
          <Select
            key={i}
            label={i === 0 ? t("datasets.import.prompt") : t("datasets.import.also")}
            value={column}
            options={i === 0 ? options : [{ id: none, label: t("datasets.import.none") }, ...options]}
            onChange={(chosen) => {
              const next = parts.map((part, at) => (at === i ? chosen : part));
              change({ prompt: next.filter((part) => part !== none) });
            }}
          />
        ))}
      </div>
      <Select
        label={t("datasets.import.completion")}
        value={mapping.completion}
        options={options}
        onChange={(completion) => change({ completion })}
      />
    </>
  );
}

function ExampleRow({ example }: { example: Example | { reason: Said } }) {
  const { t } = useTranslation();
  if ("reason" in example) {
    return (
      <p className="border-b border-line/70 py-2 text-xs text-warn">
        {t("datasets.import.cannot", { reason: translate(t, example.reason) })}
      </p>
    );
  }
  const text = "line-clamp-5 min-w-0 font-mono text-xs leading-5 break-words whitespace-pre-wrap";
  return (
    <div className="grid grid-cols-2 gap-4 border-b border-line/70 py-2">
      <p className={`${text} text-muted`}>{example.prompt}</p>
      <p className={text}>{example.completion}</p>
    </div>
  );
}
