/** @file Data sets: the table that is the data, and the row in view as tokens. */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useParams } from "wouter";
import type { Dataset } from "../../core/dataset";
import { embeddedDataset } from "../../core/ids";
import { loadDatasets, useDatasets } from "../../state/datasets";
import { inspectFile } from "../../state/imports";
import { Button } from "../../ui/Button";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { Page } from "../../ui/Page";
import { datasetFiles, pickFile } from "../../ui/pickFile";
import { UnreadableNotice } from "../../ui/UnreadableNotice";
import { DatasetHeader } from "./DatasetHeader";
import { DatasetList } from "./DatasetList";
import { ImportDialog } from "./ImportDialog";
import { RowPane } from "./RowPane";
import { RowTable } from "./RowTable";

export default function DatasetsPage() {
  const { t } = useTranslation();
  const state = useDatasets();
  const { id } = useParams<{ id?: string }>();
  const [, navigate] = useLocation();
  useEffect(() => void loadDatasets(), []);
  const datasets = state.status === "ready" ? state.datasets : [];
  const wanted = id ?? embeddedDataset;
  const dataset = datasets.find((each) => each.id === wanted);
  return (
    <Page
      title={t("datasets.title")}
      fill
      actions={
        <Button
          variant="primary"
          icon="upload"
          onPress={() => pickFile(datasetFiles, (file) => void inspectFile(file))}
        >
          {t("datasets.bring")}
        </Button>
      }
    >
      {state.status === "failed" && <ErrorNotice error={state.error} className="m-4" />}
      {state.status === "ready" && <UnreadableNotice count={state.unreadable} />}
      {state.status === "ready" && (
        <div className="flex min-h-0 flex-1 flex-col md:flex-row">
          <DatasetList datasets={datasets} chosen={wanted} />
          {dataset ? (
            <DatasetView key={dataset.id} dataset={dataset} />
          ) : (
            <EmptyState icon="datasets" title={t("datasets.missing")}>
              {t("datasets.missingHint")}
            </EmptyState>
          )}
        </div>
      )}
      <ImportDialog onDone={(done) => navigate(`/datasets/${done.id}`)} />
    </Page>
  );
}

function DatasetView({ dataset }: { dataset: Dataset }) {
  const [row, setRow] = useState(0);
  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col">
      <DatasetHeader dataset={dataset} />
      <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
        <RowTable dataset={dataset} chosen={row} onChoose={setRow} />
        <RowPane dataset={dataset} row={row} />
      </div>
    </div>
  );
}
