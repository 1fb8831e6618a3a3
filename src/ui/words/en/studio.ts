/** @file Words of the Studio page. */

export const studio = {
  title: "Studio",
};
