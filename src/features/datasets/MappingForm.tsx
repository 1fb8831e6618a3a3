/** @file Which column plays which part, and what the first rows become under that choice. */

import { useTranslation } from "react-i18next";
import type { DatasetFormat, Example, Inspection, Mapping } from "../../core/dataset";
import type { Said } from "../../core/say";
import { changeMapping, renameImport } from "../../state/imports";
import { formatBytes, formatCount } from "../../ui/formatQuantity";
import { Select } from "../../ui/Select";
import { TextField } from "../../ui/TextField";
import { translate } from "../../ui/words/translate";
import { LabelBadge } from "./JudgedRow";

/** No column; a column's own name never starts with this. */
const none = "\u0000none";
const shownRows = 6;

type Props = { file: File; name: string; inspection: Inspection; mapping: Mapping };

/** What the columns allow, and the forms that any columns allow. */
function choices({ candidates, columns }: Inspection): Mapping[] {
  const [first = "", second = first, third = second] = columns;
  const always: Mapping[] = [
    { format: "prompt-completion", prompt: [first], completion: second, turns: "" },
    { format: "preference", prompt: [first], completion: second, rejected: third, turns: "" },
    { format: "unpaired", prompt: [first], completion: second, turns: "", label: third },
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
        {mapping.format !== "text" && <OptionalColumn columns={inspection.columns} mapping={mapping} part="spans" />}
        <OptionalColumn columns={inspection.columns} mapping={mapping} part="finalStart" />
      </div>
      <section aria-label={t("datasets.import.preview")} className="flex flex-col">
        <h3 className="mb-1 text-sm">{t("datasets.import.preview")}</h3>
        <JudgedNote inspection={inspection} mapping={mapping} />
        <div className={`${grid(mapping)} border-b border-line pb-1 text-xs text-muted`}>
          <span>{t("datasets.import.previewPrompt")}</span>
          {mapping.format === "preference" ? (
            <>
              <span>{t("datasets.import.previewChosen")}</span>
              <span className="max-sm:col-start-2">{t("datasets.import.previewRejected")}</span>
            </>
          ) : (
            <span>
              {t(mapping.format === "unpaired" ? "datasets.import.answer" : "datasets.import.previewCompletion")}
            </span>
          )}
        </div>
        {inspection.examples.slice(0, shownRows).map((example, i) => (
          <ExampleRow key={i} example={example} mapping={mapping} />
        ))}
      </section>
    </div>
  );
}

/** What each objective makes of rows that judge. */
function JudgedNote({ inspection: { examples }, mapping: { format } }: Pick<Props, "inspection" | "mapping">) {
  const { t } = useTranslation();
  if (format !== "preference" && format !== "unpaired") return null;
  const good = examples.filter((example) => "label" in example && example.label).length;
  return (
    <p className="mb-2 text-xs text-muted">
      {format === "preference"
        ? t("datasets.import.pairNote")
        : t("datasets.import.labelNote", { good: formatCount(good), count: examples.length })}
    </p>
  );
}

type ColumnsProps = { columns: readonly string[]; mapping: Mapping };

function Columns({ columns, mapping }: ColumnsProps) {
  const { t } = useTranslation();
  const options = columns.map((column) => ({ id: column, label: column }));
  const change = (changes: Partial<Mapping>) => void changeMapping({ ...mapping, ...changes });
  const column = (label: string, value: string, set: (chosen: string) => Partial<Mapping>) => (
    <Select label={label} value={value} options={options} onChange={(chosen) => change(set(chosen))} />
  );
  const turns = column(t("datasets.import.turns"), mapping.turns, (chosen) => ({ turns: chosen }));
  const completion = (label: string) => column(label, mapping.completion, (chosen) => ({ completion: chosen }));
  switch (mapping.format) {
    case "sharegpt":
    case "messages":
      return turns;
    case "text":
      return completion(t("datasets.import.text"));
    case "preference":
      return (
        <>
          <PromptColumns columns={columns} mapping={mapping} />
          <div className="flex flex-col gap-2">
            {completion(t("datasets.import.chosen"))}
            {column(t("datasets.import.rejected"), mapping.rejected ?? "", (rejected) => ({ rejected }))}
            <OptionalColumn columns={columns} mapping={mapping} part="dimension" />
          </div>
        </>
      );
    case "unpaired":
      return (
        <>
          {mapping.turns === "" ? <PromptColumns columns={columns} mapping={mapping} /> : turns}
          <div className="flex flex-col gap-2">
            {mapping.turns === "" && completion(t("datasets.import.answer"))}
            {column(t("datasets.import.label"), mapping.label ?? "", (label) => ({ label }))}
          </div>
        </>
      );
    default:
      return (
        <>
          <PromptColumns columns={columns} mapping={mapping} />
          {completion(t("datasets.import.completion"))}
        </>
      );
  }
}

/** The first column of the prompt and those that follow it. Rows that judge may bring their prompt with the answers. */
function PromptColumns({ columns, mapping }: ColumnsProps) {
  const { t } = useTranslation();
  const options = columns.map((column) => ({ id: column, label: column }));
  const optional = [{ id: none, label: t("datasets.import.none") }, ...options];
  const mayBeNone = mapping.format === "preference" || mapping.format === "unpaired";
  const parts = [...mapping.prompt, none].slice(0, columns.length);
  return (
    <div className="flex flex-col gap-2">
      {parts.map((column, i) => (
        <Select
          key={i}
          label={i === 0 ? t("datasets.import.prompt") : t("datasets.import.also")}
          value={column}
          options={i === 0 && !mayBeNone ? options : optional}
          onChange={(chosen) => {
            const next = parts.map((part, at) => (at === i ? chosen : part));
            void changeMapping({ ...mapping, prompt: next.filter((part) => part !== none) });
          }}
        />
      ))}
    </div>
  );
}

type OptionalProps = ColumnsProps & { part: "dimension" | "spans" | "finalStart" };

/** A part of the row that it may do without. */
function OptionalColumn({ columns, mapping, part }: OptionalProps) {
  const { t } = useTranslation();
  return (
    <Select
      label={t(`datasets.import.${part}`)}
      value={mapping[part] ?? none}
      options={[
        { id: none, label: t("datasets.import.none") },
        ...columns.map((column) => ({ id: column, label: column })),
      ]}
      onChange={(chosen) => {
        const { [part]: _before, ...rest } = mapping;
        void changeMapping(chosen === none ? rest : { ...rest, [part]: chosen });
      }}
    />
  );
}

/** The preview's columns: one more for what was rejected, below the chosen answer where the page is narrow. */
const grid = ({ format }: Mapping) =>
  format === "preference" ? "grid grid-cols-2 gap-x-4 gap-y-1 sm:grid-cols-3" : "grid grid-cols-2 gap-4";

function ExampleRow({ example, mapping }: { example: Example | { reason: Said }; mapping: Mapping }) {
  const { t } = useTranslation();
  if ("reason" in example) {
    return (
      <p className="border-b border-line/70 py-2 text-xs text-warn">
        {t("datasets.import.cannot", { reason: translate(t, example.reason) })}
      </p>
    );
  }
  const text = "line-clamp-5 min-w-0 self-start font-mono text-xs leading-5 break-words whitespace-pre-wrap";
  return (
    <div className={`${grid(mapping)} border-b border-line/70 py-2`}>
      <p className={`${text} text-muted`}>{example.prompt}</p>
      <div className="min-w-0">
        {example.label !== undefined && <LabelBadge label={example.label} />}
        <p className={text}>{example.completion}</p>
      </div>
      {example.rejected !== undefined && <p className={`${text} text-muted max-sm:col-start-2`}>{example.rejected}</p>}
    </div>
  );
}
