/** @file Words of the Models page. */

export const models = {
  title: "Models",
};
