/** @file What can be done with a chart: save it as a picture or as numbers, show its numbers as a table. */

import { memo } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../Button";
import { Menu } from "../Menu";
import { saveFile } from "../saveFile";
import { type Caption, chartPng, chartSvg } from "./saveChart";

type MenuProps = {
  name: string;
  /** Beginning of the files' names. */
  file: string;
  /** Holds the drawing, the first SVG in it. */
  shown: { current: HTMLDivElement | null };
  /** Both are of the chart as it is when something is saved. */
  getCaption: (title: string) => Caption;
  getCsv: () => string;
  isTable: boolean;
  onTable: (isTable: boolean) => void;
};

export const ChartMenu = memo(function ChartMenu(props: MenuProps) {
  const { name, file, shown, getCaption, getCsv, isTable, onTable } = props;
  const { t } = useTranslation();
  const fileName = `${file}-${name}`.toLowerCase().replaceAll(/[^\p{L}\p{N}.-]+/gu, "-");
  const saveDrawing = async (ending: "svg" | "png") => {
    const svg = shown.current?.querySelector("svg");
    if (!svg) return;
    const caption = getCaption(`${name} · ${file}`);
    const content = ending === "svg" ? chartSvg(svg, caption) : await chartPng(svg, caption);
    saveFile(`${fileName}.${ending}`, content, content.type);
  };
  const saveCsv = () => {
    saveFile(`${fileName}.csv`, getCsv(), "text/csv;charset=utf-8");
  };
  return (
    <Menu
      label={t("charts.menuOf", { name })}
      actions={[
        {
          id: "png",
          label: t("charts.savePng"),
          icon: "image",
          isDisabled: isTable,
          onAction: () => void saveDrawing("png"),
        },
        {
          id: "svg",
          label: t("charts.saveSvg"),
          icon: "image",
          isDisabled: isTable,
          onAction: () => void saveDrawing("svg"),
        },
        { id: "csv", label: t("charts.saveCsv"), icon: "download", onAction: saveCsv },
        {
          id: "table",
          label: isTable ? t("charts.showChart") : t("charts.showTable"),
          icon: isTable ? "runs" : "datasets",
          onAction: () => onTable(!isTable),
        },
      ]}
    >
      <IconButton label={t("charts.menuOf", { name })} icon="more" size="sm" />
    </Menu>
  );
});
