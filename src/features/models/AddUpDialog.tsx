/** @file Adds LoRA adapters of one base up, each by its weight. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { TrainedId } from "../../core/adapterRecord";
import { addAdapters, canAddUp, mostRank, rankOfSum, type Trained } from "../../state/adapters";
import { showMessage } from "../../state/shell";
import { Button } from "../../ui/Button";
import { Checkbox } from "../../ui/Checkbox";
import { Dialog } from "../../ui/Dialog";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatNumber } from "../../ui/formatQuantity";
import { methodsText } from "../../ui/methodsText";
import { NumberField } from "../../ui/NumberField";
import { TextField } from "../../ui/TextField";

const form = "add-up";

export function AddUpDialog({ trained, onClose }: { trained: readonly Trained[]; onClose: () => void }) {
  const { t } = useTranslation();
  const candidates = trained.filter(({ adaptation }) => canAddUp(adaptation));
  const [weights, setWeights] = useState<ReadonlyMap<TrainedId, number>>(new Map());
  const [typed, setTyped] = useState<string | null>(null);
  const [adding, setAdding] = useState<{ isBusy: boolean; error: unknown }>({ isBusy: false, error: null });
  const parts = candidates.filter(({ id }) => weights.has(id));
  const weighted = parts.map(({ id, name }) => ({ id, name, weight: weights.get(id) ?? 1 }));
  const usual = weighted
    .map(({ name, weight }) => t("models.adapters.part", { name, weight: formatNumber(weight, 3) }))
    .join(" + ");
  const name = (typed ?? usual).trim().slice(0, 120);
  const rank = rankOfSum(parts.map(({ adaptation }) => adaptation));
  const canAdd = parts.length > 1 && rank <= mostRank && name !== "" && !adding.isBusy;
  const set = (id: TrainedId, weight: number | null) =>
    setWeights((old) => {
      const rest = [...old].filter(([key]) => key !== id);
      return new Map(weight === null ? rest : [...rest, [id, weight]]);
    });
  const add = async () => {
    if (!canAdd) return;
    setAdding({ isBusy: true, error: null });
    try {
      const record = await addAdapters(
        weighted.map(({ id, weight }) => ({ id, weight })),
        name,
      );
      showMessage({ tone: "good", title: t("models.adapters.added", { name: record.name }) });
      onClose();
    } catch (error) {
      setAdding({ isBusy: false, error });
    }
  };
  return (
    <Dialog
      title={t("models.adapters.addTitle")}
      isOpen
      onClose={onClose}
      isBusy={adding.isBusy}
      actions={
        <>
          <Button onPress={onClose} isDisabled={adding.isBusy}>
            {t("common.cancel")}
          </Button>
          <Button variant="primary" type="submit" form={form} isDisabled={!canAdd}>
            {t(adding.isBusy ? "models.adapters.adding" : "models.adapters.addUp")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <p className="text-sm text-muted">{t("models.adapters.addHint")}</p>
        <ul className="flex flex-col gap-1">
          {candidates.map((each) => (
            <Part
              key={each.id}
              trained={each}
              weight={weights.get(each.id) ?? null}
              onWeight={(w) => set(each.id, w)}
            />
          ))}
        </ul>
        <TextField label={t("models.adapters.sumName")} value={typed ?? usual} onChange={setTyped} />
        <p role="status" className={`text-sm ${rank > mostRank ? "text-bad" : "text-muted"}`}>
          {parts.length < 2
            ? t("models.adapters.addWhy")
            : t(rank > mostRank ? "models.adapters.sumRankTooBig" : "models.adapters.sumRank", {
                rank,
                most: mostRank,
              })}
        </p>
        {adding.error !== null && <ErrorNotice error={adding.error} />}
      </form>
    </Dialog>
  );
}

type PartProps = { trained: Trained; weight: number | null; onWeight: (weight: number | null) => void };

function Part({ trained: { name, adaptation }, weight, onWeight }: PartProps) {
  const { t } = useTranslation();
  return (
    <li className="flex min-h-8 flex-wrap items-center justify-between gap-x-3 gap-y-1">
      <Checkbox
        label={t("models.adapters.addTake", { name })}
        value={weight !== null}
        onChange={(isTaken) => onWeight(isTaken ? 1 : null)}
      >
        <span>
          {name} <span className="text-muted">{methodsText(t, adaptation)}</span>
        </span>
      </Checkbox>
      {weight !== null && (
        <NumberField
          label={t("models.adapters.weight", { name })}
          hideLabel
          className="w-24"
          value={weight}
          onChange={onWeight}
          minimum={-100}
          maximum={100}
          step={0.1}
        />
      )}
    </li>
  );
}
