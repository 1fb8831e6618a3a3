/** @file Words of every chart. */

export const charts = {
  menuOf: "{{name}}: save or show as table",
  savePng: "Save as PNG",
  saveSvg: "Save as SVG",
  saveCsv: "Save as CSV",
  showTable: "Show as table",
  showChart: "Show as chart",
  tableOf: "{{name}} as a table",
  cursor: "Cursor over {{name}}: arrow keys move it, Enter pins it, Escape lets go",
  step: "step",
};
