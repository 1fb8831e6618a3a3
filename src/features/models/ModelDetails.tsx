/** @file One model: what it is, what it takes, and what can be done with it. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { fromWire } from "../../core/errors";
import type { Model, ModelFacts } from "../../core/modelRecord";
import { useMemory } from "../../state/engine";
import { chooseModel, deleteModel, renameModel, resumeModel, useModelTask, verifyModel } from "../../state/models";
import { showMessage } from "../../state/shell";
import { Badge } from "../../ui/Badge";
import { Button, IconButton } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { ConfirmDialog } from "../../ui/Dialog";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { explainError } from "../../ui/explainError";
import { formatBytes, formatCompact, formatCount } from "../../ui/formatQuantity";
import { Menu } from "../../ui/Menu";
import { ModelPicture } from "../../ui/ModelPicture";
import { modelFiles, pickFiles } from "../../ui/pickFile";
import { Term, type TermName } from "../../ui/Term";
import { translate } from "../../ui/words/translate";
import { AdapterSection } from "./AdapterSection";
import { RenameDialog } from "./RenameDialog";

export function ModelDetails({ model }: { model: Model }) {
  const { t } = useTranslation();
  const { name, facts, status, origin, problem } = model;
  return (
    <Card title={<span className="text-base">{name}</span>} actions={<Actions model={model} />} className="max-w-240">
      <p className="mb-3 flex flex-wrap items-center gap-x-3 gap-y-1 text-muted">
        {status !== "ready" && (
          <Badge tone={status === "unusable" ? "bad" : "warn"}>{t(`models.status.${status}`)}</Badge>
        )}
        {origin.kind === "embedded" && t("models.embedded")}
        {origin.kind === "files" && t("models.ofFiles", { count: model.files.length })}
        {origin.kind === "hub" && t("models.ofHub", { ...origin, revision: origin.revision.slice(0, 7) })}
      </p>
      {problem && <ErrorNotice error={fromWire(problem)} className="mb-3" />}
      {status === "cut off" && <CutOff model={model} />}
      {facts && <Facts model={model} facts={facts} />}
      {facts && <AdapterSection model={model} />}
    </Card>
  );
}

function CutOff({ model }: { model: Model }) {
  const { t } = useTranslation();
  const isBusy = useModelTask(({ status }) => status === "working");
  const isHub = model.origin.kind === "hub";
  const goOn = () => {
    if (isHub) void resumeModel(model, []);
    else pickFiles({ accept: modelFiles, multiple: true }, (files) => void resumeModel(model, files));
  };
  return (
    <div className="flex flex-wrap items-center gap-3">
      <p>
        {t("models.cutOff", { stored: formatBytes(model.stored), total: formatBytes(model.bytes) })}{" "}
        {!isHub && <span className="text-muted">{t("models.cutOffFiles")}</span>}
      </p>
      <Button icon="play" isDisabled={isBusy} onPress={goOn}>
        {t("models.resume")}
      </Button>
    </div>
  );
}

function Facts({ model, facts }: { model: Model; facts: ModelFacts }) {
  const { t } = useTranslation();
  const { config, types, template, templateProblem, licence, container } = facts;
  const figures: (readonly [TermName, string])[] = [
    ["parameters", `${formatCount(facts.parameters)} (${formatCompact(facts.parameters)})`],
    ["layers", formatCount(config.layers)],
    ["hiddenSize", t("models.width", { width: config.hiddenSize, inner: config.intermediateSize })],
    ["heads", t("models.heads", { heads: config.heads, shared: config.keyValueHeads, size: config.headDim })],
    ["context", t("models.tokens", { count: config.maxPositions })],
    ["vocabulary", t("models.tokens", { count: config.vocabSize })],
  ];
  const shown = types.slice(0, 3).map(([type]) => type);
  return (
    <div className="flex flex-col gap-x-10 gap-y-4 lg:flex-row">
      <div className="lg:w-80">
        <ModelPicture config={config} height={260} />
      </div>
      <dl className="min-w-0 flex-1">
        <Row label={t("models.architecture")}>{t(`models.kind.${config.architecture}`)}</Row>
        {figures.map(([term, value]) => (
          <Row key={term} label={<Term name={term} />}>
            {value}
          </Row>
        ))}
        <Row label={t("models.ends")}>{t(config.tieWordEmbeddings ? "models.tied" : "models.untied")}</Row>
        <Row label={t("models.size")}>
          {t("models.sizeAs", {
            size: formatBytes(model.bytes),
            container: t(`models.container.${container}`),
            types: shown.join(", "),
          })}
        </Row>
        <Row label={t("models.onDevice")}>
          <DeviceMemory facts={facts} />
        </Row>
        <Row label={t("models.template")}>
          {template ? (
            <details className="max-w-100 text-left">
              <summary className="cursor-default text-right">{t("models.templateOwn")}</summary>
              <pre className="mt-1 max-h-48 overflow-auto rounded-md bg-hover p-2 font-mono text-xs whitespace-pre-wrap">
                {template.prompt}
                <b>{template.completion}</b>
              </pre>
            </details>
          ) : templateProblem ? (
            <span title={translate(t, templateProblem)}>{t("models.templateUnusable")}</span>
          ) : (
            t("models.templateNone")
          )}
        </Row>
        <Row label={t("models.licence")}>{licence || t("models.licenceUnknown")}</Row>
      </dl>
    </div>
  );
}

/** The share of the engine's memory from which on a model leaves little for its training. */
const tight = 0.5;

function DeviceMemory({ facts }: { facts: ModelFacts }) {
  const { t } = useTranslation();
  const { memory } = useMemory();
  const size = formatBytes(facts.deviceBytes);
  if (!memory) return size;
  const verdict =
    facts.deviceBytes > memory.available ? "tooLarge" : facts.deviceBytes > tight * memory.available ? "tight" : "fits";
  return t(`models.memory.${verdict}`, { size, available: formatBytes(memory.available) });
}

function Row({ label, children }: { label: React.ReactNode; children: React.ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4 border-t border-line/70 py-1.5">
      <dt className="shrink-0 text-muted">{label}</dt>
      <dd className="min-w-0 text-right">{children}</dd>
    </div>
  );
}

function Actions({ model }: { model: Model }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const isBusy = useModelTask(({ status }) => status === "working");
  const [open, setOpen] = useState<"delete" | "rename" | null>(null);
  const { id, name, facts, status, origin } = model;
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      const { title, detail } = explainError(t, error);
      showMessage({ tone: "bad", title, detail });
    }
  };
  const verify = async () => {
    const wrong = await verifyModel(model);
    if (wrong === null) return;
    if (wrong.length === 0) showMessage({ tone: "good", title: t("models.verified", { name }) });
    else showMessage({ tone: "bad", title: t("models.notVerified", { name }), detail: wrong.join(", ") });
  };
  return (
    <>
      {facts && (
        <Button
          size="sm"
          icon="studio"
          onPress={() => {
            chooseModel(model);
            navigate("/");
          }}
        >
          {t("models.use")}
        </Button>
      )}
      {origin.kind !== "embedded" && (
        <Menu
          label={t("models.more", { name })}
          actions={[
            { id: "rename", label: t("models.rename"), icon: "file", onAction: () => setOpen("rename") },
            {
              id: "verify",
              label: t("models.verify"),
              description: t("models.verifyHint"),
              icon: "check",
              isDisabled: isBusy || status === "cut off",
              onAction: () => void verify(),
            },
            {
              id: "delete",
              label: t("models.delete"),
              icon: "trash",
              isDanger: true,
              onAction: () => setOpen("delete"),
            },
          ]}
        >
          <IconButton size="sm" icon="more" label={t("models.more", { name })} />
        </Menu>
      )}
      <ConfirmDialog
        title={t("models.deleteTitle", { name })}
        isOpen={open === "delete"}
        onClose={() => setOpen(null)}
        action={t("models.delete")}
        onConfirm={() => void attempt(() => deleteModel(id))}
      >
        {t("models.deleteDetail", { size: formatBytes(model.stored) })}
      </ConfirmDialog>
      {open === "rename" && (
        <RenameDialog
          title={t("models.renameTitle", { name })}
          name={name}
          onClose={() => setOpen(null)}
          onRename={(next) => void attempt(() => renameModel(id, next))}
        />
      )}
    </>
  );
}
