/** @file The models that can be taught: architecture, size, licence. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { Model } from "../../core/model";
import { useEngine } from "../../state/engine";
import { loadModels, useModels } from "../../state/models";
import { Card } from "../../ui/Card";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatBytes, formatCompact, formatCount } from "../../ui/formatQuantity";
import { ModelPicture } from "../../ui/ModelPicture";
import { Page } from "../../ui/Page";
import { Term, type TermName } from "../../ui/Term";

export default function ModelsPage() {
  const { t } = useTranslation();
  const models = useModels();
  const engine = useEngine();
  useEffect(() => {
    if (engine.status === "ready") void loadModels();
  }, [engine.status]);
  const failure = engine.status === "failed" ? engine.error : models.status === "failed" ? models.error : null;
  return (
    <Page title={t("models.title")}>
      {failure !== null ? (
        <ErrorNotice error={failure} className="max-w-160" />
      ) : models.status === "ready" ? (
        <div className="flex flex-col gap-4">
          {models.models.map((model) => (
            <ModelDetails key={model.id} model={model} />
          ))}
        </div>
      ) : (
        <p className="text-muted">{t("common.loading")}</p>
      )}
    </Page>
  );
}

function ModelDetails({ model }: { model: Model }) {
  const { t } = useTranslation();
  const { config } = model;
  const figures: (readonly [TermName, string])[] = [
    ["parameters", `${formatCount(model.parameters)} (${formatCompact(model.parameters)})`],
    ["layers", formatCount(config.layers)],
    ["hiddenSize", t("models.width", { width: config.hiddenSize, inner: config.intermediateSize })],
    ["heads", t("models.heads", { heads: config.heads, shared: config.keyValueHeads, size: config.headDim })],
    ["context", t("models.tokens", { count: config.maxPositions })],
    ["vocabulary", t("models.tokens", { count: config.vocabSize })],
  ];
  return (
    <Card title={<span className="text-base">{model.name}</span>} className="max-w-240">
      <p className="mb-3 text-muted">{t("models.embedded")}</p>
      <div className="flex flex-col gap-x-10 gap-y-4 lg:flex-row">
        <div className="lg:w-80">
          <ModelPicture config={config} height={260} />
        </div>
        <dl className="flex-1">
          <Row label={t("models.architecture")}>{t("models.llama")}</Row>
          {figures.map(([term, value]) => (
            <Row key={term} label={<Term name={term} />}>
              {value}
            </Row>
          ))}
          <Row label={<Term name="tokenizer" />}>{t("models.bpe")}</Row>
          <Row label={t("models.ends")}>{t(config.tieWordEmbeddings ? "models.tied" : "models.untied")}</Row>
          <Row label={t("models.size")}>{t("models.half", { size: formatBytes(model.bytes) })}</Row>
          <Row label={t("models.licence")}>{model.licence}</Row>
        </dl>
      </div>
    </Card>
  );
}

function Row({ label, children }: { label: React.ReactNode; children: React.ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4 border-t border-line/70 py-1.5">
      <dt className="text-muted">{label}</dt>
      <dd className="text-right">{children}</dd>
    </div>
  );
}
