/** @file Words of the Datasets page. */

export const datasets = {
  title: "Datasets",
};
