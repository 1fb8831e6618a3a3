/** @file Every run of a comparison by variant and seed: how it stands, its page, once more, left out; what failed and why. */

import { Button as AriaButton } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { Ablation, Cell } from "../../core/ablation";
import { fromWire } from "../../core/errors";
import { stepsInAll } from "../../core/recipe";
import { leaveOut, runAgain } from "../../state/ablations";
import { type CellStatus, cellStatus, type Runs, runOf } from "../../state/ablationsQueue";
import { Badge, type Tone } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatShare } from "../../ui/formatQuantity";
import { Menu, type MenuAction } from "../../ui/Menu";
import { Table } from "../../ui/Table";

const tones: Record<CellStatus, Tone> = {
  waiting: "neutral",
  running: "accent",
  paused: "warn",
  interrupted: "warn",
  done: "good",
  stopped: "neutral",
  failed: "bad",
  leftOut: "neutral",
};

type CellsProps = { ablation: Ablation; runs: Runs };

export function AblationCells({ ablation, runs }: CellsProps) {
  const { t } = useTranslation();
  const { variants, seeds, cells } = ablation;
  const failed = cells.filter((cell) => cellStatus(cell, runs) === "failed");
  return (
    <section aria-label={t("ablation.cells")} className="pb-6">
      <h2 className="px-4 pt-3 text-sm lg:px-6">{t("ablation.cells")}</h2>
      <div className="lg:px-2">
        <Table
          label={t("ablation.cells")}
          rows={variants}
          rowKey={({ name }) => name}
          columns={[
            {
              id: "variant",
              header: t("ablation.variant"),
              className: "font-medium whitespace-nowrap",
              cell: ({ name }) => name,
            },
            ...seeds.map((seed) => ({
              id: `seed-${seed}`,
              header: t("ablation.seed", { seed }),
              cell: ({ name }: { name: string }) => {
                const cell = cells.find((one) => one.variant === name && one.seed === seed);
                return cell && <CellMenu ablation={ablation} cell={cell} runs={runs} />;
              },
            })),
          ]}
        />
      </div>
      {failed.length > 0 && (
        <section aria-label={t("ablation.failures")} className="flex flex-col gap-3 px-4 pt-4 lg:px-6">
          <h2 className="text-sm">{t("ablation.failures")}</h2>
          {failed.map((cell) => (
            <FailedCell key={`${cell.variant} ${cell.seed}`} ablation={ablation} cell={cell} runs={runs} />
          ))}
        </section>
      )}
    </section>
  );
}

type CellProps = { ablation: Ablation; cell: Cell; runs: Runs };

function CellMenu({ ablation, cell, runs }: CellProps) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const { variant, seed } = cell;
  const status = cellStatus(cell, runs);
  const run = runOf(cell, runs);
  const word = t(`ablation.cellStatuses.${status}`);
  const label = t("ablation.cellMenu", { variant, seed, status: word });
  const isUnderWay = status === "running" || status === "paused";
  const actions: MenuAction[] = [
    {
      id: "open",
      label: t("ablation.openRun"),
      icon: "runs",
      isDisabled: run === null,
      onAction: () => run && navigate(`/runs/${run.id}`),
    },
    {
      id: "again",
      label: t("ablation.again"),
      icon: "reset",
      isDisabled: status !== "failed" && status !== "stopped",
      onAction: () => void runAgain(ablation.id, cell),
    },
    {
      id: "out",
      label: t(cell.isLeftOut ? "ablation.takeIn" : "ablation.leaveOut"),
      icon: cell.isLeftOut ? "plus" : "close",
      isDisabled: isUnderWay,
      onAction: () => void leaveOut(ablation.id, cell, !cell.isLeftOut),
    },
  ];
  const share = run?.after?.["gsm8k/strict"] ?? run?.after?.exact_match ?? null;
  return (
    <Menu label={label} actions={actions}>
      <AriaButton
        aria-label={label}
        className="-mx-1 inline-flex items-center gap-1.5 rounded-sm px-1 py-0.5 data-hovered:bg-hover"
      >
        <Badge tone={tones[status]}>{word}</Badge>
        {status === "done" && share !== null && <span className="font-mono text-xs">{formatShare(share, 1)}</span>}
        {isUnderWay && run && (
          <span className="font-mono text-xs text-muted">{formatShare(run.step / stepsInAll(run.recipe))}</span>
        )}
      </AriaButton>
    </Menu>
  );
}

function FailedCell({ ablation, cell, runs }: CellProps) {
  const { t } = useTranslation();
  const error = runOf(cell, runs)?.error;
  if (!error) return null;
  const { variant, seed } = cell;
  return (
    <div className="flex flex-col gap-1">
      <p className="text-sm font-medium">{t("ablation.failedCell", { variant, seed })}</p>
      <ErrorNotice
        error={fromWire(error)}
        action={
          <Button size="sm" onPress={() => void runAgain(ablation.id, cell)}>
            {t("ablation.again")}
          </Button>
        }
      />
    </div>
  );
}
